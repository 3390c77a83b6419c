import { checkText } from '../model/check_text_fields.ts';
import type { Timestamp } from '../model/clock.ts';
import type { App } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import type { Logo } from '../model/logo.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import type { AppFields } from './app_request_types.ts';
import { checkBranding } from './check_branding.ts';
import { checkLogo } from './check_logo_image.ts';
import {
  checkAudience,
  checkCatalog,
  checkImplicitPermissions,
  checkRedirectUris,
  checkReturnUrlPrefixes,
  checkSharedWith,
} from './check_operator_fields.ts';
import { checkHomeDirectory, checkRegistration, checkRotation } from './check_rotation_and_home_directory.ts';
import { masked } from './update_mask.ts';

type Fields = Omit<AppFields, 'logo'>;

/** Each field that may change, with its check; returns the value as stored. FIELD_INVALID. */
const CHECKS = {
  displayName: ({ displayName }: Fields) => checkText('app.display_name', displayName),
  signInAudience: ({ signInAudience }: Fields) => checkAudience('app.sign_in_audience', signInAudience),
  redirectUris: ({ redirectUris }: Fields) => checkRedirectUris('app.redirect_uris', redirectUris),
  returnUrlPrefixes: ({ returnUrlPrefixes }: Fields) =>
    checkReturnUrlPrefixes('app.return_url_prefixes', returnUrlPrefixes),
  catalog: ({ catalog }: Fields, scopes: Scopes) =>
    catalog === '' ? undefined : checkCatalog('app.catalog', catalog, scopes),
  implicitPermissions: ({ implicitPermissions }: Fields, scopes: Scopes) =>
    checkImplicitPermissions('app.implicit_permissions', implicitPermissions, scopes),
  clientCapabilities: ({ clientCapabilities }: Fields) => [...new Set(clientCapabilities)],
  sharedWith: ({ sharedWith }: Fields) => checkSharedWith('app.shared_with', sharedWith),
  suspended: ({ suspended }: Fields) => suspended,
  homeDirectoryId: ({ homeDirectoryId }: Fields) => checkHomeDirectory('app.home_directory_id', homeDirectoryId),
  rotation: ({ rotation }: Fields) => checkRotation('app.rotation', rotation),
  branding: ({ branding }: Fields) => checkBranding('app.branding', branding),
} satisfies { [Field in keyof Fields & keyof App]?: (fields: Fields, scopes: Scopes) => App[Field] };
type Checked = { readonly [Field in keyof typeof CHECKS]: App[Field] };

const CHECKED = Object.keys(CHECKS) as (keyof Checked)[];
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

/** Changes after which Entra may accept an app that it rejected before, so that the recorded rejection is cleared. */
const REPAIRING = ['signInAudience', 'redirectUris', 'implicitPermissions'] as const;

export function checkAppFields(fields: Fields, scopes: Scopes): Checked {
  return Object.fromEntries(CHECKED.map((field) => [field, CHECKS[field](fields, scopes)])) as unknown as Checked;
}

/** The app after the update, and its logo if that is new. FIELD_INVALID, also for another client id or cloud. */
export function updatedApp(
  app: App,
  fields: AppFields,
  updateMask: readonly string[] | undefined,
  { scopes, tenant, now }: { readonly scopes: Scopes; readonly tenant: Tenant; readonly now: Timestamp },
): { readonly after: App; readonly logo: Logo | undefined } {
  if (fields.clientId !== '' && fields.clientId.toLowerCase() !== app.clientId) throw immutable('app.client_id');
  if (fields.cloud !== undefined && fields.cloud !== app.cloud) throw immutable('app.cloud');
  const changing = masked(updateMask, fields, [...CHECKED, 'logo'], IMMUTABLE);
  const changed: Partial<Checked> = Object.fromEntries(
    CHECKED.filter((field) => changing.has(field)).map((field) => [field, CHECKS[field](fields, scopes)]),
  );
  const logo = changing.has('logo') ? checkLogo(fields.logo) : undefined;
  // Reading an app does not return its logo, so an update with `*` cannot send it back: only `logo` by name removes it.
  const logoChanges = changing.has('logo') && (logo !== undefined || updateMask?.includes('logo') === true);
  const repairs = app.state === 'MISCONFIGURED' && REPAIRING.some((field) => changing.has(field));
  const after: App = {
    ...app,
    ...changed,
    ...(changed.displayName === '' && { displayName: tenant.displayName }),
    ...(logoChanges && { logoHash: logo?.hash }),
    ...(repairs && { state: 'OK', stateReason: undefined }),
    updateTime: now,
  };
  checkRegistration(after);
  return { after, logo };
}

function immutable(field: string) {
  return fieldInvalid(field, 'cannot be changed, because refresh tokens are bound to it. Create another app.');
}
