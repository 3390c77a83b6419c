import type { App } from '../model/app.ts';
import type { Authorization } from '../model/authorization.ts';
import { connectionName } from '../model/connection.ts';
import type { Tenant } from '../model/tenant.ts';
import { checkNotSuspended, findAppByUid, findTenant } from './active_lookup.ts';
import { mintAttempt } from './authorization_attempt.ts';
import type { AuthorizationDescription } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import type { PageTrace } from './page_trace.ts';
import { described } from './product.ts';
import { stateInvalid } from './state_invalid.ts';

/** The button on the connect page: a state is minted now and not when the link was made, so that a mail scanner's visit uses nothing up. */
export async function openAuthorizationLink(parts: ConnectParts, handle: string, trace?: PageTrace): Promise<string> {
  const { authorization, app } = await findOpen(parts, handle, trace);
  const { attempt, stateHash, authorizationUri } = mintAttempt(parts, { app, authorization, now: parts.clock.now() });
  await parts.stores.authorizations.addAttempt(attempt, stateHash);
  return authorizationUri;
}

export async function describeLink(
  parts: ConnectParts,
  handle: string,
  trace?: PageTrace,
): Promise<AuthorizationDescription> {
  const { authorization, tenant, app } = await findOpen(parts, handle, trace);
  const { productScopes, expireTime } = authorization;
  return { ...described(parts, { tenant, app, productScopes }), expireTime };
}

async function findOpen(
  { stores, clock }: ConnectParts,
  handle: string,
  trace: PageTrace | undefined,
): Promise<{ authorization: Authorization; tenant: Tenant; app: App }> {
  const authorization = isOneTimeToken(handle)
    ? await stores.authorizations.findByHandle(hashOneTimeToken(handle))
    : undefined;
  if (authorization?.state !== 'OPEN' || authorization.expireTime <= clock.now()) throw stateInvalid('link');
  const connection = await stores.connections.findByUid(authorization.connectionUid);
  if (connection === undefined) throw stateInvalid('link');
  if (trace !== undefined) trace.resource = connectionName(connection);
  checkNotSuspended(connection);
  const tenant = await findTenant(stores, connection.tenantId);
  return { authorization, tenant, app: await findAppByUid(stores, tenant, authorization.appUid) };
}
