import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { checkLabels, checkText } from '../model/labelling.ts';
import type { Tenant } from '../model/tenant.ts';
import { findPreset, PRESET_NAMES, type Preset } from '../scopes/presets.ts';
import type { Registration } from '../store/stores.ts';
import { detailsAfter, newAppDetails } from './app_details.ts';
import { appNextSteps } from './app_next_steps.ts';
import { type AppDefaults, newApp } from './app_record.ts';
import type { AppDetails } from './apps.ts';
import { checkBaseUrl, checkCatalog, checkGuids, checkId } from './fields.ts';
import { newCredential, REGISTRATION_FIELDS } from './new_credential.ts';
import { checkStrategy, presetRedirectUris } from './preset_redirects.ts';
import { notAsked, probeApp } from './probe.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { RegisteredTenant, RegisterTenant } from './tenants.ts';
import { secretWarnings } from './warnings.ts';

/** Name of a tenant's first app, and of an app's first credential. */
export const FIRST = 'default';

/** Checks all, stores all in one commit, and only then asks Entra, whose answer warns and never refuses. */
export async function registerTenant(parts: RegistryParts, request: RegisterTenant): Promise<RegisteredTenant> {
  const { stores, changes, clock } = parts;
  const preset = presetOf(request.preset);
  const { tenant, app, newCredential: first } = prepare(parts, request, preset);
  const registration: Registration = { tenant, app, credential: first };
  const credentials = [first.credential];
  const known = newAppDetails(parts, app, credentials);
  const doubts = secretWarnings(first.material);
  const answer = (stored: Tenant, details: AppDetails, probe: RegisteredTenant['probe']): RegisteredTenant => {
    const { app, credentials } = details;
    const steps = appNextSteps(parts, { tenant: stored, app, preset, credentials, probes: [probe] });
    return { tenant: stored, app: details, probe, nextSteps: { ...steps, warnings: [...steps.warnings, ...doubts] } };
  };

  // Made before anything is stored, for the next steps can be refused too: nobody has an address of their cloud.
  const dry = answer(tenant, known, notAsked(first.credential, clock.now(), true));
  if (request.validateOnly) {
    if ((await stores.tenants.find(tenant.tenantId)) !== undefined) throw tenantExists(tenant.tenantId);
    return dry;
  }
  await stores.tenants.register(registration);
  changes.announce({ kind: 'tenant', uid: tenant.uid });
  const [probe = notAsked(first.credential, clock.now())] = await probeApp(parts, app, credentials);
  return answer(tenant, await detailsAfter(parts, known), probe);
}

function prepare(parts: RegistryParts, request: RegisterTenant, preset: Preset | undefined) {
  const { scopes, clock, newUid } = parts;
  const now = clock.now();
  const fields = tenantFields(request, preset, parts);
  const first = newCredential(
    request.app.credential,
    REGISTRATION_FIELDS,
    { uid: newUid(), appUid: newUid(), credentialId: FIRST },
    now,
  );
  const tenant = newTenant(fields, newUid(), first.credential.expireTime, now);
  const app: App = newApp(
    { ...request.app, catalog: '', sharedWith: [], suspended: false },
    { tenant, preset, ...placesOf(request, preset, parts.callbackUri) },
    { appId: FIRST, uid: first.credential.appUid, logo: undefined },
    scopes,
    now,
  );
  return { tenant, app, newCredential: first };
}

type TenantFields = Pick<Tenant, 'tenantId' | 'displayName' | 'labels' | 'catalog' | 'allowedDirectoryIds'>;

function tenantFields(request: RegisterTenant, preset: Preset | undefined, { scopes }: RegistryParts): TenantFields {
  const tenantId = checkId('tenant_id', request.tenantId);
  return {
    tenantId,
    displayName: checkText('display_name', request.displayName) || tenantId,
    labels: checkLabels('labels', request.labels),
    catalog: checkCatalog('catalog', request.catalog || preset?.catalog || 'microsoft', scopes),
    allowedDirectoryIds: checkGuids('allowed_directory_ids', request.allowedDirectoryIds, 'the id of a directory'),
  };
}

function newTenant(
  fields: TenantFields,
  uid: string,
  nextCredentialExpireTime: Timestamp | undefined,
  now: Timestamp,
): Tenant {
  return { ...fields, uid, state: 'ACTIVE', createTime: now, updateTime: now, version: 1, nextCredentialExpireTime };
}

function presetOf(name: string): Preset | undefined {
  const preset = findPreset(name);
  if (preset !== undefined || name === '') return preset;
  throw fieldInvalid('preset', `there is no such preset; known are ${PRESET_NAMES.join(', ')}`);
}

/** What an app gets that names none of them. */
function placesOf(
  { baseUrl, strategy, app }: RegisterTenant,
  preset: Preset | undefined,
  callback: string,
): Pick<AppDefaults, 'redirectUris' | 'returnUrlPrefixes'> {
  const base = baseUrl === '' ? undefined : checkBaseUrl('base_url', baseUrl);
  const addresses = { callback, base, strategy: checkStrategy(strategy, preset, app.redirectUris) };
  return {
    redirectUris: app.redirectUris.length > 0 ? [] : presetRedirectUris(preset, addresses),
    returnUrlPrefixes: base === undefined ? [] : [`${base}/`],
  };
}

function tenantExists(tenantId: string): VaultError {
  const name = `tenants/${tenantId}`;
  return new VaultError('TENANT_EXISTS', `${name} exists already; choose another tenant_id`, {
    metadata: { resource: name },
  });
}
