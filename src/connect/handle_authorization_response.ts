import type { Authorization, AuthorizationAttempt } from '../model/authorization.ts';
import { MINUTE } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { Grant } from '../model/grant.ts';
import { activateGrant } from './activate_grant.ts';
import { checkNotSuspended, findAppByUid, findTenant } from './active_lookup.ts';
import { authorizationErrorOf } from './authorization_error_response.ts';
import type { AuthorizationResponse } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { redeemGrant } from './redeem_grant.ts';
import { stateInvalid } from './state_invalid.ts';

const CONFIRMATION_LIFE = 10 * MINUTE;

export interface Received {
  /** With the new grant, unless that waits for its confirmation. */
  readonly connection: Connection;
  /** In clear, once. */
  readonly confirmation: string | undefined;
  /** Further resources that were asked for and that Entra refuses so far. */
  readonly refusedResources: readonly string[];
}

/** The state was fresh: what Entra answered becomes a grant, or the authorization fails and the old grant serves on. */
export async function handleAuthorizationResponse(
  parts: ConnectParts,
  received: {
    readonly authorization: Authorization;
    readonly attempt: AuthorizationAttempt;
    readonly connection: Connection;
    readonly answer: AuthorizationResponse;
  },
): Promise<Received> {
  const { authorization, connection } = received;
  try {
    const grant = await grantOf(parts, received);
    const refusedResources = Object.keys(grant.resourceIssues ?? {});
    if (authorization.completion === 'CONFIRM') {
      const confirmation = mintOneTimeToken();
      await keep(parts, authorization, grant, hashOneTimeToken(confirmation));
      return { connection, confirmation, refusedResources };
    }
    // Nothing waits for anybody, so nothing is kept: where the swap fails in passing, the link stays good.
    const swapped = await activateGrant(parts, { authorization, grant });
    return { connection: swapped, confirmation: undefined, refusedResources };
  } catch (error) {
    const reason = isVaultError(error) ? error.reason : 'INTERNAL';
    // What failed must not hide behind a second failure to write it down.
    if (!IN_PASSING.has(reason))
      await parts.stores.authorizations.fail(authorization.uid, reason).catch(() => undefined);
    throw error;
  }
}

/** Nobody's doing and soon over: the link stays good, so that its button can be pressed again. STATE_INVALID: another attempt was faster. */
const IN_PASSING: ReadonlySet<Reason> = new Set<Reason>([
  'ENTRA_UNAVAILABLE',
  'ENTRA_THROTTLED',
  'APP_CREDENTIAL_PROPAGATING',
  'DATABASE_UNAVAILABLE',
  'KEY_SOURCE_UNAVAILABLE',
  'OVERLOADED',
  'STATE_INVALID',
]);

async function grantOf(
  parts: ConnectParts,
  { authorization, attempt, connection, answer }: Parameters<typeof handleAuthorizationResponse>[1],
): Promise<Grant> {
  const tenant = await findTenant(parts.stores, connection.tenantId);
  const app = await findAppByUid(parts.stores, tenant, authorization.appUid);
  checkNotSuspended(connection);
  if ('error' in answer) throw authorizationErrorOf(parts.authorizationServer, answer, connectionName(connection));
  return redeemGrant(parts, { tenant, app, connection, authorization, attempt, code: answer.code });
}

async function keep(
  { stores, clock }: ConnectParts,
  authorization: Authorization,
  grant: Grant,
  confirmationHash: string,
): Promise<void> {
  const kept = await stores.authorizations.consent(
    authorization.uid,
    grant,
    confirmationHash,
    clock.now() + CONFIRMATION_LIFE,
  );
  if (!kept) throw stateInvalid('state');
}
