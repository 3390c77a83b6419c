import type { Connection } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import { activateGrant } from './activate_grant.ts';
import type { ConfirmRequest } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { findConnection } from './find_connection.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { stateInvalid } from './state_invalid.ts';

/** That the confirmation fits the connection of the signed-in user proves that who consented is who asked. */
export async function confirmAuthorization(parts: ConnectParts, request: ConfirmRequest): Promise<Connection> {
  const { stores, clock } = parts;
  const connection = await findConnection(parts, request);
  const find = () =>
    isOneTimeToken(request.confirmation)
      ? stores.authorizations.findConsented(connection.uid, hashOneTimeToken(request.confirmation), clock.now())
      : undefined;
  const waiting = await find();
  if (waiting === undefined) throw stateInvalid('confirmation');
  try {
    return await activateGrant(parts, waiting);
  } catch (error) {
    // Two confirmations at once: one of them has used it up.
    if (isVaultError(error, 'ETAG_MISMATCH') && (await find()) === undefined) throw stateInvalid('confirmation');
    throw error;
  }
}
