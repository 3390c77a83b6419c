import type { Connection } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import { withAdminConsentUri } from './add_admin_consent_url_to_error.ts';
import { mayWantAdminConsent } from './admin_consent_link_of_authorization.ts';
import type { AuthorizationResponse } from './authorization_response.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { findConnection, findParties } from './find_tenant_app_and_connection.ts';
import { handleAuthorizationResponse } from './handle_authorization_response.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { stateInvalid } from './state_invalid.ts';

export interface CompleteRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  readonly state: string;
  readonly answer: AuthorizationResponse;
}

/**
 * For products with their own callback: it forwards the response, with the connection of its signed-in user. Uses the state up, whatever the
 * result. STATE_INVALID also for another connection's state, and for a state of the vault's own callback.
 */
export async function completeAuthorization(parts: ConnectParts, request: CompleteRequest): Promise<Connection> {
  const { stores, clock } = parts;
  const connection = await findConnection(stores, request);
  if (!isOneTimeToken(request.state)) throw stateInvalid('state');
  const used = await stores.authorizations.useState(hashOneTimeToken(request.state), clock.now());
  // Another connection's state is used up too: it may have been intercepted.
  if (used.kind !== 'fresh') throw stateInvalid('state');
  const { authorization } = used;
  const { connectionUid, completion, appUid } = authorization;
  if (connectionUid !== connection.uid || completion !== 'CALLER') throw stateInvalid('state');
  const parties = await findParties(stores, { tenantId: connection.tenantId, appUid });
  try {
    return (await handleAuthorizationResponse(parts, { ...used, connection, parties, answer: request.answer }))
      .connection;
  } catch (error) {
    const mayWant = isVaultError(error) && mayWantAdminConsent(error.reason);
    throw mayWant ? withAdminConsentUri(parts, authorization, parties.app, error) : error;
  }
}
