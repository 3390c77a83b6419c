import type { Connection } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import { activateGrant } from './activate_grant.ts';
import type { ConnectParts } from './connect_dependencies.ts';
import { findConnection } from './find_tenant_app_and_connection.ts';
import { hashOneTimeToken, isOneTimeToken } from './one_time_token.ts';
import { stateInvalid } from './state_invalid.ts';

export interface ConfirmRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  readonly confirmation: string;
}

/**
 * Activates the waiting grant. A confirmation that matches the connection of the signed-in user proves that the same user consented.
 * STATE_INVALID: an unknown, used, expired or another connection's confirmation.
 */
export async function confirmAuthorization(parts: ConnectParts, request: ConfirmRequest): Promise<Connection> {
  const { stores, clock } = parts;
  const connection = await findConnection(stores, request);
  const find = () =>
    isOneTimeToken(request.confirmation)
      ? stores.authorizations.findConsented(connection.uid, hashOneTimeToken(request.confirmation), clock.now())
      : undefined;
  const waiting = await find();
  if (waiting === undefined) throw stateInvalid('confirmation');
  try {
    return await activateGrant(parts, waiting);
  } catch (error) {
    // Two confirmations at the same time: the other one used it up.
    if (isVaultError(error, 'ETAG_MISMATCH') && (await find()) === undefined) throw stateInvalid('confirmation');
    throw error;
  }
}
