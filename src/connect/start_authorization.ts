import type { App } from '../model/app.ts';
import type { Authorization } from '../model/authorization.ts';
import { HOUR, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { fieldInvalid, isVaultError } from '../model/errors.ts';
import { isExternalIdTaken } from '../model/external_id.ts';
import { newUid } from '../model/ids.ts';
import { checkText } from '../model/labels.ts';
import type { Tenant } from '../model/tenant.ts';
import { LONGEST_USERNAME } from './account_check.ts';
import { checkNotSuspended, findApp, findTenant } from './active_lookup.ts';
import { mintAttempt } from './authorization_attempt.ts';
import type { StartedAuthorization, StartRequest } from './authorizations.ts';
import { completionOf } from './completion.ts';
import { type ConnectParts, connectUri } from './connect_parts.ts';
import { namedDirectory } from './named_directory.ts';
import { checkWish, newConnection, relabelled } from './new_connection.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { directoryToReturnTo } from './personal_grant.ts';
import { consentedWith, requestedScopes, withOwnScopes } from './requested_scopes.ts';

const LINK_LIFE = 24 * HOUR;

export async function startAuthorization(parts: ConnectParts, request: StartRequest): Promise<StartedAuthorization> {
  const tenant = await findTenant(parts.stores, request.tenantId);
  checkWish(request);
  checkLoginHint(request);
  for (let tries = 1; ; tries += 1) {
    try {
      return await startOnce(parts, tenant, request);
    } catch (error) {
      // Somebody created or changed the connection between our reading and our writing: look again.
      if (tries === 3 || isExternalIdTaken(error) || !isVaultError(error, 'CONNECTION_EXISTS', 'ETAG_MISMATCH'))
        throw error;
    }
  }
}

async function startOnce(parts: ConnectParts, tenant: Tenant, request: StartRequest): Promise<StartedAuthorization> {
  const { stores, clock } = parts;
  const now = clock.now();
  const existing = await stores.connections.find(tenant.uid, request.connectionId);
  if (existing !== undefined) checkNotSuspended(existing);
  const app = await findApp(stores, tenant, request.app ?? usualApp(tenant, existing));
  const connection = existing ?? newConnection({ tenant, app, request, now });
  const authorization = newAuthorization(parts, { tenant, app, connection, request, now });

  const handle = mintOneTimeToken();
  const minted = mintAttempt(parts, { app, authorization, now });
  const relabelledTo = existing === undefined ? undefined : relabelled(existing, request, now);
  if (existing !== undefined && relabelledTo !== undefined) await stores.connections.update(existing, relabelledTo);
  await stores.authorizations.start({
    connection: existing === undefined ? connection : undefined,
    authorization,
    handleHash: hashOneTimeToken(handle),
    attempt: minted.attempt,
    stateHash: minted.stateHash,
  });
  parts.metrics?.authorizationStarted();
  return {
    connectUri: connectUri(parts.publicUrl, handle),
    authorizationUri: minted.authorizationUri,
    expireTime: authorization.expireTime,
    authorizationExpireTime: minted.attempt.expireTime,
  };
}

function checkLoginHint({ loginHint, prompt }: StartRequest): void {
  if (loginHint === undefined) return;
  checkText('login_hint', loginHint, LONGEST_USERNAME);
  if (prompt !== 'select_account') return;
  throw fieldInvalid(
    'login_hint',
    'Entra takes no login_hint together with prompt SELECT_ACCOUNT; leave one of them out',
  );
}

/** The app of the existing connection, else the tenant's `default`. */
export function usualApp(tenant: Tenant, existing: Connection | undefined): { tenantId: string; appId: string } {
  return existing === undefined
    ? { tenantId: tenant.tenantId, appId: 'default' }
    : { tenantId: existing.appTenantId, appId: existing.appId };
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
  const offersNone = allowAccountChange || request.prompt === 'select_account';
  const loginHint = request.loginHint ?? (offersNone ? undefined : connection.account?.username);
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
      (allowAccountChange ? undefined : directoryToReturnTo(app, connection)),
    // Without a hint a browser with one session would connect that account without a word.
    prompt: request.prompt ?? (loginHint === undefined ? 'select_account' : undefined),
    allowAccountChange,
    claims: request.claims,
    failure: undefined,
    createTime: now,
    expireTime: now + LINK_LIFE,
  };
}
