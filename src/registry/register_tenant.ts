import { fieldInvalid, VaultError } from '../model/errors.ts';
import { checkLabels, checkText } from '../model/labels.ts';
import type { Tenant } from '../model/tenant.ts';
import { findPreset, PRESET_NAMES, type Preset } from '../scopes/presets.ts';
import type { Registration } from '../store/stores.ts';
import { alreadyExists } from './already_exists.ts';
import { detailsAfter, newAppDetails } from './app_details.ts';
import { appNextSteps } from './app_next_steps.ts';
import type { AppDetails } from './app_requests.ts';
import { checkCatalog, checkGuids, checkId, checkThresholds } from './check_fields.ts';
import { newFirstApp, type WithApp } from './new_app.ts';
import { notAsked, type ProbeReport, probeApp } from './probe.ts';
import type { RegistryParts } from './registry_parts.ts';
import type { RegisteredTenant, RegisterTenant } from './tenant_requests.ts';
import { withoutApp } from './without_app.ts';

/** Checks all, stores all in one commit, and only then asks Entra, whose answer warns and never refuses. */
export async function registerTenant(parts: RegistryParts, request: RegisterTenant): Promise<RegisteredTenant> {
  const preset = presetOf(request.preset);
  const tenant = newTenant(parts, request, preset);
  if (request.app !== undefined) return registerWithApp(parts, { ...request, app: request.app }, tenant, preset);
  const nextSteps = withoutApp(request);
  await store(parts, { tenant }, request);
  return { tenant, app: undefined, probe: undefined, nextSteps };
}

async function registerWithApp(
  parts: RegistryParts,
  request: WithApp,
  bare: Tenant,
  preset: Preset | undefined,
): Promise<RegisteredTenant> {
  const { app, credential } = await newFirstApp(parts, { tenant: bare, request, preset });
  const { made: first, doubts } = credential;
  const tenant = { ...bare, nextCredentialExpireTime: first.credential.expireTime };
  const credentials = [first.credential];
  const known = newAppDetails(parts, app, credentials);
  const answer = (details: AppDetails, probe: ProbeReport): RegisteredTenant => {
    const { app, credentials } = details;
    const steps = appNextSteps(parts, { tenant, app, preset, credentials, probes: [probe] });
    return { tenant, app: details, probe, nextSteps: { ...steps, warnings: [...steps.warnings, ...doubts] } };
  };

  // Made before anything is stored, for the next steps can be refused too: nobody has an address of their cloud.
  const dry = answer(known, notAsked(first.credential, parts.clock.now(), true));
  await store(parts, { tenant, app, credential: first }, request);
  if (request.validateOnly) return dry;
  const [probe = notAsked(first.credential, parts.clock.now())] = await probeApp(parts, app, credentials);
  return answer(await detailsAfter(parts, known), probe);
}

/** With `validateOnly` only looks whether it could be. TENANT_EXISTS. */
async function store(
  { stores, changes }: RegistryParts,
  registration: Registration,
  { validateOnly }: RegisterTenant,
): Promise<void> {
  const { tenantId, uid } = registration.tenant;
  if (validateOnly) {
    if ((await stores.tenants.find(tenantId)) !== undefined) throw tenantExists(tenantId);
    return;
  }
  await stores.tenants.register(registration).catch(alreadyExists(tenantExists(tenantId)));
  changes.announce({ kind: 'tenant', uid });
}

function newTenant(
  { scopes, clock, newUid }: RegistryParts,
  request: RegisterTenant,
  preset: Preset | undefined,
): Tenant {
  const now = clock.now();
  const tenantId = checkId('tenant_id', request.tenantId);
  return {
    tenantId,
    displayName: checkText('display_name', request.displayName) || tenantId,
    labels: checkLabels('labels', request.labels),
    catalog: checkCatalog('catalog', request.catalog || preset?.catalog || 'microsoft', scopes),
    allowedDirectoryIds: checkGuids('allowed_directory_ids', request.allowedDirectoryIds, 'the id of a directory'),
    expiryThresholds: checkThresholds('expiry_thresholds_days', request.expiryThresholds),
    uid: newUid(),
    state: 'ACTIVE',
    createTime: now,
    updateTime: now,
    version: 1,
    nextCredentialExpireTime: undefined,
  };
}

function presetOf(name: string): Preset | undefined {
  const preset = findPreset(name);
  if (preset !== undefined || name === '') return preset;
  throw fieldInvalid('preset', `there is no such preset; known are ${PRESET_NAMES.join(', ')}`);
}

function tenantExists(tenantId: string): VaultError {
  const name = `tenants/${tenantId}`;
  return new VaultError('TENANT_EXISTS', `${name} exists already; choose another tenant_id`, {
    metadata: { resource: name },
  });
}
