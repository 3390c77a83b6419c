import { type Connection, connectionName } from '../model/connection.ts';
import { isGrantSound, isRefused, mayBeVerified } from '../model/connection_resources.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import type { ServedToken } from './access_tokens.ts';
import { checkDirectory, checkNotSuspended } from './connection_errors.ts';
import type { ConnectionSnapshots } from './connection_snapshot.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_under_lease.ts';
import { waitFor } from './wait_for.ts';

export interface VerifyConnectionParts {
  readonly snapshots: ConnectionSnapshots;
  readonly refresh: (key: string, request: RefreshRequest) => Promise<ServedToken>;
}

/**
 * Redeems now for each resource that is refused, or else for the first one that is granted, and returns the connection as it is then.
 * A refusal that is stored is part of the answer, not an error. A grant that Entra named dead is not redeemed again.
 */
export function createVerifyConnection({ snapshots, refresh }: VerifyConnectionParts) {
  return async function verifyConnection(request: {
    tenantId: string;
    connectionId: string;
    signal: () => AbortSignal;
  }): Promise<Connection> {
    let snapshot = await snapshots.reread(request.tenantId, request.connectionId);
    checkNotSuspended(snapshot);
    checkDirectory(snapshot);
    let unstored: VaultError | undefined;
    for (const resource of resourcesToAsk(snapshot.connection)) {
      if (!mayBeVerified(snapshot.connection)) break;
      const refusal = await refusalOf(resource);
      snapshot = await snapshots.reread(request.tenantId, request.connectionId);
      const { connection } = snapshot;
      if (refusal !== undefined && isGrantSound(connection) && !isRefused(connection, resource)) unstored ??= refusal;
    }
    if (unstored !== undefined) throw unstored;
    return snapshot.connection;

    async function refusalOf(resource: string): Promise<VaultError | undefined> {
      const wanted = {
        snapshot,
        resource,
        priority: 'FOREGROUND',
        ...FORCE_REFRESH,
        ignoreCooldown: true,
        force: request,
      } as const;
      try {
        await waitFor(refresh('verify', wanted), request.signal(), connectionName(snapshot.connection));
      } catch (error) {
        // Entra was not asked, so the stored state is no answer.
        if (!isVaultError(error) || error.reason === 'RATE_LIMITED') throw error;
        return error;
      }
    }
  };
}

function resourcesToAsk({ granted, resourceIssues }: Connection): readonly string[] {
  const issues = Object.keys(resourceIssues);
  return issues.length > 0 ? issues : Object.keys(granted).slice(0, 1);
}
