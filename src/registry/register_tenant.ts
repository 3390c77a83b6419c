import { checkText } from '../model/check_text_fields.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Registration } from '../store/store_interfaces.ts';
import type { NextSteps } from './app_setup_next_steps.ts';
import { FIRST, newFirstApp } from './build_new_app.ts';
import { newFirstCredential, REGISTRATION_FIELDS } from './build_new_credential.ts';
import { withoutAccessChange } from './check_access_labels.ts';
import { checkCatalog, checkGuids, checkId, checkThresholds } from './check_operator_fields.ts';
import { addApp, alreadyExists, orThrow } from './create_app.ts';
import { findPreset, PRESET_NAMES, type Preset } from './registration_presets_of_products.ts';
import type { RegistryParts } from './registry_dependencies.ts';
import type { AppRegistration, RegisteredTenant, RegisterTenant } from './tenant_request_types.ts';

/** Checks the request, stores everything in one commit, then probes the credential. A failed probe is a warning. */
export async function registerTenant(parts: RegistryParts, request: RegisterTenant): Promise<RegisteredTenant> {
  const preset = presetOf(request.preset);
  const tenant = newTenant(parts, request, preset);
  return request.app === undefined
    ? registerAlone(parts, request, tenant)
    : registerWithApp(parts, { ...request, app: request.app }, tenant, preset);
}

function presetOf(name: string): Preset | undefined {
  const preset = findPreset(name);
  if (preset !== undefined || name === '') return preset;
  throw fieldInvalid('preset', `must be one of ${PRESET_NAMES.join(', ')}, or empty`);
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
    labels: withoutAccessChange('labels', {}, request.labels),
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

async function registerAlone(parts: RegistryParts, request: RegisterTenant, tenant: Tenant): Promise<RegisteredTenant> {
  const nextSteps = nextStepsWithoutApp(request);
  await store(parts, { tenant }, request);
  return { tenant, app: undefined, probe: undefined, nextSteps };
}

async function registerWithApp(
  parts: RegistryParts,
  request: RegisterTenant & { readonly app: AppRegistration },
  bare: Tenant,
  preset: Preset | undefined,
): Promise<RegisteredTenant> {
  const app = newFirstApp(parts, bare, preset, request);
  const first = await newFirstCredential(parts, app, FIRST, request.app.credential, REGISTRATION_FIELDS);
  const { made: credential } = first;
  const tenant = { ...bare, nextCredentialExpireTime: credential.credential.expireTime };
  const { validateOnly } = request;
  const added = await addApp(parts, { tenant, preset, app, first, validateOnly }, () =>
    store(parts, { tenant, app, credential }, request),
  );
  return { tenant, ...added };
}

/** With `validateOnly`, only checks that the id is free. TENANT_EXISTS. */
async function store(
  { stores, changes }: RegistryParts,
  registration: Registration,
  { validateOnly }: RegisterTenant,
): Promise<void> {
  const { tenantId, uid } = registration.tenant;
  const exists = alreadyExists('TENANT_EXISTS', `tenants/${tenantId}`, 'tenant_id');
  if (validateOnly) {
    if ((await stores.tenants.find(tenantId)) !== undefined) throw exists;
    return;
  }
  await stores.tenants.register(registration).catch(orThrow(exists));
  changes.announce({ kind: 'tenant', uid });
}

/** FIELD_INVALID for fields that only apply to an app. */
function nextStepsWithoutApp({ tenantId, preset, baseUrl, strategy }: RegisterTenant): NextSteps {
  for (const [field, value] of Object.entries({ base_url: baseUrl, strategy })) {
    if (value !== '') throw fieldInvalid(field, 'applies only to an app. Provide app, or leave this field empty.');
  }
  const tenant = `tenants/${tenantId}`;
  const steps = [
    `${tenant} has no app of its own, so its users can connect only through an app that is shared with it.`,
    `To use a shared app, its owner adds ${tenant} to its shared_with with UpdateApp. Then pass its name, tenants/OWNER/apps/APP, in app of StartAuthorization.`,
    `To give ${tenant} an app of its own, call CreateApp with app_id "default", which is used if a request names no app.`,
  ];
  // CreateApp has no presets.
  const forgotten = `Only the catalog of preset ${preset} was applied. If app was forgotten, call DeleteTenant, then RegisterTenant with app to apply the whole preset.`;
  return {
    redirectUris: [],
    permissions: {},
    adminConsentUri: '',
    steps: preset === '' ? steps : [...steps, forgotten],
    warnings: [],
  };
}
