import type { Connection } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import { mayWantAdminConsent } from './admin_consent_link.ts';
import { withAdminConsentUri } from './admin_consent_url.ts';
import type { CompleteRequest } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { findConnection } from './find_connection.ts';
import { handleAuthorizationResponse } from './handle_authorization_response.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { stateInvalid } from './state_invalid.ts';

/** The product ran the callback and hands over what came there, with the connection of the user who is signed in to it. */
export async function completeAuthorization(parts: ConnectParts, request: CompleteRequest): Promise<Connection> {
  const { stores, clock } = parts;
  const connection = await findConnection(parts, request);
  if (!isOneTimeToken(request.state)) throw stateInvalid('state');
  const used = await stores.authorizations.useState(hashOneTimeToken(request.state), clock.now());
  // Used up even when it is another connection's: a state that went astray is worth nothing any more.
  if (used.kind !== 'fresh') throw stateInvalid('state');
  const { authorization, attempt } = used;
  if (authorization.connectionUid !== connection.uid || authorization.completion !== 'CALLER')
    throw stateInvalid('state');
  try {
    return (await handleAuthorizationResponse(parts, { authorization, attempt, connection, answer: request.answer }))
      .connection;
  } catch (error) {
    const mayWant = isVaultError(error) && mayWantAdminConsent(error.reason);
    throw mayWant ? await withAdminConsentUri(parts, authorization, error) : error;
  }
}
