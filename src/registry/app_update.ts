import type { App } from '../model/app.ts';
import type { Timestamp } from '../model/clock.ts';
import { fieldInvalid } from '../model/errors.ts';
import { checkText } from '../model/labels.ts';
import type { Logo } from '../model/logo.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { AppFields } from './app_requests.ts';
import {
  checkAudience,
  checkCatalog,
  checkImplicitPermissions,
  checkRedirectUris,
  checkReturnUrlPrefixes,
  checkSharedWith,
} from './check_fields.ts';
import { givenLogo } from './logo.ts';
import { checkHomeDirectory, checkRegistration, checkRotation } from './rotation_policy.ts';
import { masked } from './update_mask.ts';

const PATHS = {
  display_name: 'displayName',
  sign_in_audience: 'signInAudience',
  redirect_uris: 'redirectUris',
  return_url_prefixes: 'returnUrlPrefixes',
  catalog: 'catalog',
  implicit_permissions: 'implicitPermissions',
  shared_with: 'sharedWith',
  suspended: 'suspended',
  logo: 'logo',
  home_directory_id: 'homeDirectoryId',
  rotation: 'rotation',
} as const;
type Field = (typeof PATHS)[keyof typeof PATHS];
const IMMUTABLE = [
  'name',
  'uid',
  'client_id',
  'cloud',
  'credentials',
  'rotation_status',
  'state',
  'logo_uri',
  'create_time',
  'update_time',
  'etag',
];

/** What Entra may take otherwise after the change: what it said before is void. */
const HEALING: readonly Field[] = ['signInAudience', 'redirectUris', 'implicitPermissions'];

/** The app as the update leaves it, with its logo where that is new. FIELD_INVALID, also for a client id or a cloud that would change. */
export function updatedApp(
  app: App,
  fields: AppFields,
  updateMask: readonly string[] | undefined,
  { scopes, tenant, now }: { readonly scopes: Scopes; readonly tenant: Tenant; readonly now: Timestamp },
): { readonly after: App; readonly logo: Logo | undefined } {
  if (fields.clientId !== '' && fields.clientId.toLowerCase() !== app.clientId) {
    throw fieldInvalid('app.client_id', 'cannot be changed, since refresh tokens are bound to it; create another app');
  }
  if (fields.cloud !== undefined && fields.cloud !== app.cloud) {
    throw fieldInvalid('app.cloud', 'cannot be changed, since refresh tokens are bound to it; create another app');
  }
  const changing = masked<Field>(updateMask, fields, PATHS, IMMUTABLE);
  const change = <Value>(field: Field, made: () => Value, kept: Value): Value => (changing.has(field) ? made() : kept);
  const logo = changing.has('logo') ? givenLogo(fields.logo) : undefined;
  // Nobody reads a logo, so nobody can hand one back with the rest: `*` alone removes none.
  const logoChanges = changing.has('logo') && (logo !== undefined || updateMask?.includes('logo') === true);
  const heals = app.state === 'MISCONFIGURED' && HEALING.some((field) => changing.has(field));
  const after: App = {
    ...app,
    displayName: change(
      'displayName',
      () => checkText('app.display_name', fields.displayName) || tenant.displayName,
      app.displayName,
    ),
    signInAudience: change(
      'signInAudience',
      () => checkAudience('app.sign_in_audience', fields.signInAudience),
      app.signInAudience,
    ),
    homeDirectoryId: change(
      'homeDirectoryId',
      () => checkHomeDirectory('app.home_directory_id', fields.homeDirectoryId),
      app.homeDirectoryId,
    ),
    redirectUris: change(
      'redirectUris',
      () => checkRedirectUris('app.redirect_uris', fields.redirectUris),
      app.redirectUris,
    ),
    returnUrlPrefixes: change(
      'returnUrlPrefixes',
      () => checkReturnUrlPrefixes('app.return_url_prefixes', fields.returnUrlPrefixes),
      app.returnUrlPrefixes,
    ),
    catalog: change(
      'catalog',
      () => (fields.catalog === '' ? undefined : checkCatalog('app.catalog', fields.catalog, scopes)),
      app.catalog,
    ),
    implicitPermissions: change(
      'implicitPermissions',
      () => checkImplicitPermissions('app.implicit_permissions', fields.implicitPermissions, scopes),
      app.implicitPermissions,
    ),
    sharedWith: change('sharedWith', () => checkSharedWith('app.shared_with', fields.sharedWith), app.sharedWith),
    rotation: change('rotation', () => checkRotation('app.rotation', fields.rotation), app.rotation),
    suspended: change('suspended', () => fields.suspended, app.suspended),
    logoHash: logoChanges ? logo?.hash : app.logoHash,
    state: heals ? 'OK' : app.state,
    stateReason: heals ? undefined : app.stateReason,
    updateTime: now,
  };
  checkRegistration(after);
  return { after, logo };
}
