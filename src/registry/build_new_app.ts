import type { App } from '../model/entra_app.ts';
import type { Logo } from '../model/logo.ts';
import type { Tenant } from '../model/tenant.ts';
import type { AppFields } from './app_request_types.ts';
import { checkAppFields } from './check_app_fields.ts';
import { checkBaseUrl, checkGuid, checkId } from './check_operator_fields.ts';
import { checkRegistration } from './check_rotation_and_home_directory.ts';
import { checkStrategy, presetRedirectUris } from './preset_redirect_uris.ts';
import type { Preset } from './registration_presets_of_products.ts';
import type { RegistryParts } from './registry_dependencies.ts';
import type { AppRegistration, RegisterTenant } from './tenant_request_types.ts';

/** Id of a tenant's first app, and of an app's first credential. */
export const FIRST = 'default';

export interface AppDefaults {
  readonly tenant: Pick<Tenant, 'uid' | 'tenantId' | 'displayName' | 'catalog'>;
  readonly preset: Preset | undefined;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
}

/** The app to store: its fields checked, with defaults where they are empty. FIELD_INVALID. */
export function newApp(
  { scopes, clock, newUid }: Pick<RegistryParts, 'scopes' | 'clock' | 'newUid'>,
  given: Omit<AppFields, 'logo'>,
  appId: string,
  logo: Logo | undefined,
  { tenant, preset, ...defaults }: AppDefaults,
): App {
  const now = clock.now();
  const signInAudience = given.signInAudience || preset?.signInAudience || 'organizations';
  const fields = checkAppFields({ ...given, signInAudience }, scopes);
  const catalog = scopes.catalogs().find(({ name }) => name === (fields.catalog ?? tenant.catalog));
  const app: App = {
    ...fields,
    uid: newUid(),
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appId: checkId('app_id', appId),
    displayName: fields.displayName || tenant.displayName,
    clientId: checkGuid('app.client_id', given.clientId, 'the Application (client) ID of the portal'),
    cloud: given.cloud ?? 'GLOBAL',
    redirectUris: orElse(fields.redirectUris, defaults.redirectUris),
    returnUrlPrefixes: orElse(fields.returnUrlPrefixes, defaults.returnUrlPrefixes),
    implicitPermissions: orElse(
      fields.implicitPermissions,
      preset?.implicitPermissions ?? catalog?.implicitPermissions ?? [],
    ),
    logoHash: logo?.hash,
    state: 'OK',
    stateReason: undefined,
    failingDirectories: [],
    createTime: now,
    updateTime: now,
    version: 1,
  };
  checkRegistration(app);
  return app;
}

/** The app of a tenant's registration. FIELD_INVALID. */
export function newFirstApp(
  parts: Pick<RegistryParts, 'scopes' | 'clock' | 'newUid' | 'callbackUri'>,
  tenant: Tenant,
  preset: Preset | undefined,
  { baseUrl, strategy, app }: RegisterTenant & { readonly app: AppRegistration },
): App {
  const base = baseUrl === '' ? undefined : checkBaseUrl('base_url', baseUrl);
  const values = { callback: parts.callbackUri, base, strategy: checkStrategy(strategy, preset, app.redirectUris) };
  return newApp(
    parts,
    { ...app, catalog: '', clientCapabilities: [], sharedWith: [], suspended: false, branding: undefined },
    FIRST,
    undefined,
    {
      tenant,
      preset,
      redirectUris: app.redirectUris.length > 0 ? [] : presetRedirectUris(preset, values),
      returnUrlPrefixes: base === undefined ? [] : [`${base}/`],
    },
  );
}

function orElse<Item>(given: readonly Item[], otherwise: readonly Item[]): readonly Item[] {
  return given.length > 0 ? given : otherwise;
}
