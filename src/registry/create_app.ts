import { appName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import { alreadyExists } from './already_exists.ts';
import { detailsAfter, newAppDetails } from './app_details.ts';
import { appNextSteps } from './app_next_steps.ts';
import { newApp } from './app_record.ts';
import type { AppDetails, CreateApp, CreatedApp } from './app_requests.ts';
import { checkId } from './check_fields.ts';
import { givenLogo } from './logo.ts';
import { createLookup } from './lookup.ts';
import { FIRST } from './new_app.ts';
import { CREDENTIAL_FIELDS, newCredential } from './new_credential.ts';
import { notAsked, type ProbeReport, probeApp } from './probe.ts';
import type { RegistryParts } from './registry_parts.ts';

/** Adds an app to a tenant, with a first credential where one is given, in one commit; then asks Entra. */
export async function createApp(parts: RegistryParts, request: CreateApp): Promise<CreatedApp> {
  const { stores, changes, clock } = parts;
  const tenant = await createLookup(stores).tenant(request.tenantId);
  const { app, first, logo } = await prepare(parts, request, tenant);
  const known = newAppDetails(parts, app, first === undefined ? [] : [first.made.credential]);
  const answer = (details: AppDetails, probes: readonly ProbeReport[]): CreatedApp => {
    const facts = { tenant, app: details.app, preset: undefined, credentials: details.credentials, probes };
    const steps = appNextSteps(parts, facts);
    return {
      app: details,
      probe: probes[0],
      nextSteps: { ...steps, warnings: [...steps.warnings, ...(first?.doubts ?? [])] },
    };
  };

  // Made before anything is stored, as in RegisterTenant.
  const dry = answer(
    known,
    known.credentials.map((credential) => notAsked(credential, clock.now(), true)),
  );
  if (request.validateOnly) {
    if ((await stores.apps.find(tenant.uid, app.appId)) !== undefined) throw appExists(appName(app));
    return dry;
  }
  await stores.apps.create(app, first?.made, logo).catch(alreadyExists(appExists(appName(app))));
  changes.announce({ kind: 'app', uid: app.uid });
  const probes = await probeApp(parts, app, known.credentials);
  return answer(await detailsAfter(parts, known), probes);
}

async function prepare(parts: RegistryParts, request: CreateApp, tenant: Tenant) {
  const { scopes, clock, newUid, callbackUri } = parts;
  const now = clock.now();
  const defaults = { tenant, preset: undefined, redirectUris: [callbackUri], returnUrlPrefixes: [] };
  const logo = givenLogo(request.fields.logo);
  const app = newApp(request.fields, defaults, { appId: request.appId, uid: newUid(), logo }, scopes, now);
  const credentialId = checkId('credential_id', request.credentialId || FIRST);
  const identity = { uid: newUid(), appUid: app.uid, tenantId: tenant.tenantId, credentialId, preferTime: now };
  const first =
    request.credential === undefined
      ? undefined
      : await newCredential(parts, request.credential, CREDENTIAL_FIELDS, identity);
  return { app, first, logo };
}

function appExists(name: string): VaultError {
  return new VaultError('APP_EXISTS', `${name} exists already; choose another app_id`, {
    metadata: { resource: name },
  });
}
