import { MINUTE } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import type { Grant } from '../model/connection_grant.ts';
import { isVaultError, type Reason } from '../model/errors.ts';
import type { Authorization, AuthorizationAttempt } from '../model/user_authorization.ts';
import { activateGrant } from './activate_grant.ts';
import { type AuthorizationResponse, authorizationErrorOf } from './authorization_response.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { activeParties, checkNotSuspended, type Parties } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken, mintOneTimeToken } from './one_time_token.ts';
import { redeemGrant } from './redeem_authorization_code.ts';
import { stateInvalid } from './state_invalid.ts';

const CONFIRMATION_LIFE = 10 * MINUTE;

interface Response {
  readonly authorization: Authorization;
  readonly attempt: AuthorizationAttempt;
  readonly connection: Connection;
  readonly parties: Parties;
  readonly answer: AuthorizationResponse;
}

export interface HandledResponse {
  /** With the new grant, unless it waits for its confirmation. */
  readonly connection: Connection;
  /** In clear, once. */
  readonly confirmation?: string;
  /** Further requested resources that Entra refuses so far. */
  readonly refusedResources: readonly string[];
}

/** The first use of a state: redeem the grant, then store or activate it. If this fails, the connection keeps its old grant. */
export async function handleAuthorizationResponse(parts: ConnectParts, response: Response): Promise<HandledResponse> {
  const { authorization, connection } = response;
  try {
    const grant = await grantOf(parts, response);
    const refusedResources = Object.keys(grant.resourceIssues ?? {});
    if (authorization.completion === 'CONFIRM') {
      return { connection, confirmation: await storeForConfirmation(parts, authorization, grant), refusedResources };
    }
    // The grant is not stored: if its activation fails temporarily, the link stays valid.
    return { connection: await activateGrant(parts, { authorization, grant }), refusedResources };
  } catch (error) {
    const reason = isVaultError(error) ? error.reason : 'INTERNAL';
    // A failure to record it must not hide the first error.
    if (!TEMPORARY.has(reason))
      await parts.stores.authorizations.fail(authorization.uid, reason).catch(() => undefined);
    throw error;
  }
}

/** The link stays valid, so that its button can be pressed again. STATE_INVALID: another attempt was faster. */
const TEMPORARY: ReadonlySet<Reason> = new Set<Reason>([
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
  { authorization, attempt, connection, parties, answer }: Response,
): Promise<Grant> {
  const { tenant, app } = activeParties(parties);
  checkNotSuspended(connection);
  checkNotContained(parts, { tenant, app, directoryId: authorization.directoryId });
  if ('error' in answer) throw authorizationErrorOf(parts.authorizationServer, answer, connectionName(connection));
  return redeemGrant(parts, { tenant, app, connection, authorization, attempt, code: answer.code });
}

/** Returns the confirmation. */
async function storeForConfirmation(
  { stores, clock }: ConnectParts,
  { uid }: Authorization,
  grant: Grant,
): Promise<string> {
  const confirmation = mintOneTimeToken();
  const expireTime = clock.now() + CONFIRMATION_LIFE;
  if (await stores.authorizations.consent(uid, grant, hashOneTimeToken(confirmation), expireTime)) return confirmation;
  throw stateInvalid('state');
}
