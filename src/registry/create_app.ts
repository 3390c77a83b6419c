import { appName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { CreateApp, CreatedApp } from './app_request_types.ts';
import { appNextSteps } from './app_setup_next_steps.ts';
import { probeWarnings } from './app_setup_warnings.ts';
import { FIRST, newApp } from './build_new_app.ts';
import { type CheckedCredential, CREDENTIAL_FIELDS, newFirstCredential } from './build_new_credential.ts';
import { checkLogo } from './check_logo_image.ts';
import { checkId } from './check_operator_fields.ts';
import { createLookup } from './find_resource_by_id.ts';
import { notProbed, probeApp } from './probe_app_credentials.ts';
import { detailsAfter, newAppDetails } from './read_app_details.ts';
import type { Preset } from './registration_presets_of_products.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** Adds an app to a tenant, with a first credential if one is given, in one commit; then probes the credential. */
export async function createApp(parts: RegistryParts, request: CreateApp): Promise<CreatedApp> {
  const { stores, changes, callbackUri } = parts;
  const tenant = await createLookup(stores).tenant(request.tenantId);
  const logo = checkLogo(request.fields.logo);
  const defaults = { tenant, preset: undefined, redirectUris: [callbackUri], returnUrlPrefixes: [] };
  const app = newApp(parts, request.fields, request.appId, logo, defaults);
  const credentialId = checkId('credential_id', request.credentialId || FIRST);
  const first =
    request.credential && (await newFirstCredential(parts, app, credentialId, request.credential, CREDENTIAL_FIELDS));
  const exists = alreadyExists('APP_EXISTS', appName(app), 'app_id');
  return addApp(parts, { tenant, preset: undefined, app, first, validateOnly: request.validateOnly }, async () => {
    if (request.validateOnly) {
      if ((await stores.apps.find(tenant.uid, app.appId)) !== undefined) throw exists;
      return;
    }
    await stores.apps.create(app, first?.made, logo).catch(orThrow(exists));
    changes.announce({ kind: 'app', uid: app.uid });
  });
}

interface NewApp {
  readonly tenant: Tenant;
  readonly preset: Preset | undefined;
  readonly app: App;
  readonly first: CheckedCredential | undefined;
  readonly validateOnly: boolean;
}

/** Stores a new app by `store`, then probes its first credential. A failed probe is a warning. */
export async function addApp(
  parts: RegistryParts,
  { tenant, preset, app, first, validateOnly }: NewApp,
  store: () => Promise<void>,
): Promise<CreatedApp> {
  const credentials = first === undefined ? [] : [first.made.credential];
  const added = newAppDetails(parts, app, credentials);
  // Before anything is stored, because it fails for an app whose cloud has no known endpoints.
  const toUpload = validateOnly || first?.generated === undefined ? [] : [first.generated];
  const nextSteps = appNextSteps(parts, { tenant, app, preset, credentials, toUpload }, first?.doubts);
  await store();
  if (validateOnly) {
    const [probe] = credentials.map((credential) => notProbed(credential, parts.clock.now(), true));
    return { app: added, probe, nextSteps };
  }
  const probes = await probeApp(parts, app, credentials);
  const warnings = [...nextSteps.warnings, ...probeWarnings(probes)];
  return { app: await detailsAfter(parts, added), probe: probes[0], nextSteps: { ...nextSteps, warnings } };
}

/** `field`: where the caller chooses another id. */
export function alreadyExists(
  reason: 'TENANT_EXISTS' | 'APP_EXISTS' | 'CREDENTIAL_EXISTS',
  resource: string,
  field: string,
): VaultError {
  return new VaultError(reason, `${resource} already exists. Choose another ${field}.`, { metadata: { resource } });
}

/** For `catch`: replaces the store's error of the same reason, which does not know the resource's name. */
export function orThrow(exists: VaultError): (error: unknown) => never {
  return (error) => {
    throw isVaultError(error, exists.reason) ? exists : error;
  };
}
