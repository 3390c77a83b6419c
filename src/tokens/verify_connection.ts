import { type Connection, connectionName, connectionState } from '../model/connection.ts';
import { isVaultError } from '../model/errors.ts';
import type { FreshToken } from './access_tokens.ts';
import { refuseDirectory, refuseSuspended } from './refusal.ts';
import type { Standings } from './standing.ts';
import { NONE_STORED, type RefreshRequest } from './under_lease.ts';
import { waitFor } from './wait_for.ts';

export interface VerifyConnectionParts {
  readonly standings: Standings;
  readonly refresh: (key: string, request: RefreshRequest) => Promise<FreshToken>;
}

/**
 * Redeems now, and tells how the connection stands: a refusal that changed its state is an answer, not an error.
 * One that needs its user is told as it stands, without a request.
 */
export function createVerifyConnection({ standings, refresh }: VerifyConnectionParts) {
  return async function verifyConnection(request: {
    tenantId: string;
    connectionId: string;
    signal: () => AbortSignal;
  }): Promise<Connection> {
    const standing = await standings.reread(request.tenantId, request.connectionId);
    refuseSuspended(standing);
    refuseDirectory(standing);
    const { connection } = standing;
    const [resource] = Object.keys(connection.granted);
    const redeemable = connection.grantState === 'ACTIVE' || connection.grantState === 'BLOCKED';
    if (!redeemable || resource === undefined) return connection;
    let refusal: unknown;
    try {
      await waitFor(
        refresh('verify', { standing, resource, priority: 'FOREGROUND', ...NONE_STORED, insist: true, force: request }),
        request.signal(),
        connectionName(connection),
      );
    } catch (error) {
      // Entra was not asked, so the stored state is no answer.
      if (!isVaultError(error) || error.reason === 'RATE_LIMITED') throw error;
      refusal = error;
    }
    const after = (await standings.reread(request.tenantId, request.connectionId)).connection;
    if (refusal !== undefined && connectionState(after) === 'ACTIVE') throw refusal;
    return after;
  };
}
