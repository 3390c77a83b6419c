import { checkText } from '../model/check_text_fields.ts';
import { HOUR, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { type App, isOpenToPersonalAccounts, PERSONAL_DIRECTORY } from '../model/entra_app.ts';
import { fieldInvalid } from '../model/errors.ts';
import { newUid } from '../model/id_patterns.ts';
import { isPersonal } from '../model/personal_account_refusal.ts';
import { retryOnConflict } from '../model/retry_on_conflict.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization } from '../model/user_authorization.ts';
import { implicitPermissionWarnings } from '../scopes/implicit_permission_warnings.ts';
import { entraAdminConsentUri } from './add_admin_consent_url_to_error.ts';
import { newAdminConsentLink } from './admin_consent_link_of_authorization.ts';
import { LONGEST_USERNAME } from './check_connection_account.ts';
import { namedDirectory } from './check_directory_allowed.ts';
import { checkNotContained } from './check_not_contained.ts';
import { completionOf } from './choose_who_completes_authorization.ts';
import { type ConnectParts, connectUri } from './connect_dependencies.ts';
import { mintAttempt } from './create_authorization_attempt.ts';
import { checkConnectionFields, newConnection, relabelled } from './create_or_relabel_connection.ts';
import {
  type AppReference,
  checkNotSuspended,
  findApp,
  findTenant,
  usualApp,
} from './find_tenant_app_and_connection.ts';
import { likelyAdminConsents } from './likely_admin_consent.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { catalogOf, consentedWith, requestedScopes, withOwnScopes } from './translate_requested_scopes.ts';

const LINK_LIFE = 24 * HOUR;

export type Prompt = 'select_account' | 'consent' | 'login';

export interface StartRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Undefined: the existing connection's, else the tenant's app `default`. */
  readonly app?: AppReference | undefined;
  /** Product scopes and OIDC scopes. Empty: those of the existing connection. */
  readonly scopes: readonly string[];
  /** Undefined: the username of the connection's account, unless that may change. */
  readonly loginHint?: string | undefined;
  readonly returnUrl?: string | undefined;
  /** Undefined: the vault's own callback. */
  readonly redirectUri?: string | undefined;
  readonly autoConfirm?: boolean | undefined;
  readonly allowAccountChange?: boolean | undefined;
  /** Undefined: unchanged. */
  readonly externalId?: string | undefined;
  /** Undefined: unchanged. */
  readonly labels?: Readonly<Record<string, string>> | undefined;
  /** Undefined: the app's audience. */
  readonly directoryId?: string | undefined;
  /** Undefined: `select_account` without a login hint, else as little as Entra can. */
  readonly prompt?: Prompt | undefined;
  /** A claims challenge (JSON text) to forward to Entra. */
  readonly claims?: string | undefined;
}

export interface StartedAuthorization {
  /** Contains a handle: only the user may have it. Valid for 24 h (`expireTime`). */
  readonly connectUri: string;
  /** Contains a state that works once. Valid for 10 minutes (`authorizationExpireTime`). */
  readonly authorizationUri: string;
  readonly expireTime: Timestamp;
  readonly authorizationExpireTime: Timestamp;
  /** Permissions, in full form, to which an administrator probably must consent before the user can. */
  readonly adminConsentPermissions: readonly string[];
  /** Where the administrator consents: a link of the vault if the app has its callback, else Entra's page. Undefined: not needed. */
  readonly adminConsentUri: string | undefined;
  readonly warnings: readonly string[];
  /** For `watch`; not a secret. */
  readonly authorizationId: string;
}

/**
 * Creates the connection, PENDING, if it does not exist.
 * FIELD_INVALID, SCOPE_UNKNOWN, TENANT_NOT_FOUND, APP_NOT_FOUND, TENANT_SUSPENDED, APP_SUSPENDED, CONNECTION_SUSPENDED.
 */
export async function startAuthorization(parts: ConnectParts, request: StartRequest): Promise<StartedAuthorization> {
  const tenant = await findTenant(parts.stores, request.tenantId);
  checkConnectionFields(request);
  checkLoginHint(request);
  return retryOnConflict(3, () => startOnce(parts, tenant, request));
}

async function startOnce(parts: ConnectParts, tenant: Tenant, request: StartRequest): Promise<StartedAuthorization> {
  const { stores, clock } = parts;
  const now = clock.now();
  const existing = await stores.connections.find(tenant.uid, request.connectionId);
  if (existing !== undefined) checkNotSuspended(existing);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, existing));
  const { account } = (request.allowAccountChange ? undefined : existing) ?? {};
  checkNotContained(parts, { tenant, app, directoryId: request.directoryId ?? account?.directoryId });
  const connection = existing ?? newConnection(tenant, app, request, now);
  const authorization = newAuthorization(parts, { tenant, app, connection, request, now });

  const handle = mintOneTimeToken();
  const { attempt, stateHash, authorizationUri } = mintAttempt(parts, app, authorization, now);
  const changed = existing && relabelled(existing, request, now);
  if (existing !== undefined && changed !== undefined) await stores.connections.update(existing, changed);
  const created = existing === undefined ? connection : undefined;
  const handleHash = hashOneTimeToken(handle);
  await stores.authorizations.start({ connection: created, authorization, handleHash, attempt, stateHash });
  parts.metrics?.authorizationStarted();
  const adminConsentPermissions = likelyAdminConsents(parts.scopes, { tenant, app, connection, authorization });
  const isLikely = adminConsentPermissions.length > 0;
  const needed = parts.scopes.translate(catalogOf(tenant, app), authorization.productScopes, app.cloud);
  return {
    connectUri: connectUri(parts.publicUrl, handle),
    authorizationUri,
    expireTime: authorization.expireTime,
    authorizationExpireTime: attempt.expireTime,
    adminConsentPermissions,
    adminConsentUri: isLikely ? await adminConsentUri(parts, { tenant, app, authorization, handle }) : undefined,
    warnings: isLikely ? implicitPermissionWarnings(parts.scopes, app, needed) : [],
    authorizationId: authorization.uid,
  };
}

async function adminConsentUri(
  parts: ConnectParts,
  from: { tenant: Tenant; app: App; authorization: Authorization; handle: string },
): Promise<string> {
  const { tenant, app, authorization, handle } = from;
  const link = await newAdminConsentLink(parts, { tenant, app, authorization }, handle);
  return link ?? entraAdminConsentUri(parts, authorization, app);
}

function checkLoginHint({ loginHint, prompt }: StartRequest): void {
  if (loginHint === undefined) return;
  checkText('login_hint', loginHint, LONGEST_USERNAME);
  if (prompt !== 'select_account') return;
  throw fieldInvalid(
    'login_hint',
    'Entra accepts no login hint together with prompt SELECT_ACCOUNT. Leave one of them out.',
  );
}

function newAuthorization(
  parts: ConnectParts,
  from: { tenant: Tenant; app: App; connection: Connection; request: StartRequest; now: Timestamp },
): Authorization {
  const { tenant, app, connection, request, now } = from;
  const scopes =
    request.scopes.length === 0
      ? connection.productScopes
      : withOwnScopes(parts.scopes, { tenant, app, connection }, request.scopes);
  const { productScopes, needed } = requestedScopes(parts.scopes, tenant, app, scopes);
  const allowAccountChange = request.allowAccountChange ?? false;
  // Entra refuses a hint together with SELECT_ACCOUNT: https://learn.microsoft.com/entra/identity-platform/v2-protocols-oidc
  const isWithoutHint = allowAccountChange || request.prompt === 'select_account';
  const loginHint = request.loginHint ?? (isWithoutHint ? undefined : connection.account?.username);
  return {
    uid: newUid(),
    tenantUid: tenant.uid,
    connectionUid: connection.uid,
    appUid: app.uid,
    state: 'OPEN',
    productScopes,
    permissions: consentedWith(parts.scopes, app, needed),
    ...completionOf(parts.publicUrl, app, request),
    loginHint,
    directoryId:
      namedDirectory(tenant, app, request.directoryId) ??
      (allowAccountChange ? undefined : directoryOfAccount(app, connection)),
    // Without a hint, a browser with one session would connect that account without asking.
    prompt: request.prompt ?? (loginHint === undefined ? 'select_account' : undefined),
    allowAccountChange,
    claims: request.claims,
    failure: undefined,
    createTime: now,
    expireTime: now + LINK_LIFE,
  };
}

/** Where the user of a personal account signs in again; undefined: the address of the app. */
function directoryOfAccount(app: App, { account }: Connection): string | undefined {
  return isPersonal(account) && isOpenToPersonalAccounts(app) ? PERSONAL_DIRECTORY : undefined;
}
