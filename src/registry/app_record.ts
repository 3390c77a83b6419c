import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import { checkText } from '../model/labels.ts';
import type { Logo } from '../model/logo.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Preset } from '../scopes/presets.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { AppFields } from './app_requests.ts';
import {
  checkAudience,
  checkCatalog,
  checkGuid,
  checkId,
  checkImplicitPermissions,
  checkRedirectUris,
  checkReturnUrlPrefixes,
  checkSharedWith,
} from './check_fields.ts';
import { checkHomeDirectory, checkRegistration, checkRotation } from './rotation_policy.ts';

export interface AppDefaults {
  readonly tenant: Pick<Tenant, 'uid' | 'tenantId' | 'displayName' | 'catalog'>;
  readonly preset: Preset | undefined;
  readonly redirectUris: readonly string[];
  readonly returnUrlPrefixes: readonly string[];
}

/** Checks what was said of a new app, fills in what was not, and makes what is stored. */
export function newApp(
  fields: Omit<AppFields, 'logo'>,
  { tenant, preset, redirectUris, returnUrlPrefixes }: AppDefaults,
  { appId, uid, logo }: { readonly appId: string; readonly uid: string; readonly logo: Logo | undefined },
  scopes: Scopes,
  now: Timestamp,
): App {
  const catalog = fields.catalog === '' ? undefined : checkCatalog('app.catalog', fields.catalog, scopes);
  const implicit = checkImplicitPermissions('app.implicit_permissions', fields.implicitPermissions, scopes);
  const app: App = {
    uid,
    tenantUid: tenant.uid,
    tenantId: tenant.tenantId,
    appId: checkId('app_id', appId),
    displayName: checkText('app.display_name', fields.displayName) || tenant.displayName,
    clientId: checkGuid('app.client_id', fields.clientId, 'the Application (client) ID of the portal'),
    cloud: fields.cloud ?? 'GLOBAL',
    signInAudience: checkAudience(
      'app.sign_in_audience',
      fields.signInAudience || preset?.signInAudience || 'organizations',
    ),
    homeDirectoryId: checkHomeDirectory('app.home_directory_id', fields.homeDirectoryId),
    redirectUris: orElse(checkRedirectUris('app.redirect_uris', fields.redirectUris), redirectUris),
    returnUrlPrefixes: orElse(
      checkReturnUrlPrefixes('app.return_url_prefixes', fields.returnUrlPrefixes),
      returnUrlPrefixes,
    ),
    catalog,
    implicitPermissions: orElse(implicit, preset?.implicitPermissions ?? implicitOf(catalog ?? tenant.catalog, scopes)),
    logoHash: logo?.hash,
    sharedWith: checkSharedWith('app.shared_with', fields.sharedWith),
    rotation: checkRotation('app.rotation', fields.rotation),
    suspended: fields.suspended,
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

function orElse<Item>(given: readonly Item[], otherwise: readonly Item[]): readonly Item[] {
  return given.length > 0 ? given : otherwise;
}

function implicitOf(catalogName: string, scopes: Scopes): readonly string[] {
  return scopes.catalogs().find(({ name }) => name === catalogName)?.implicitPermissions ?? [];
}
