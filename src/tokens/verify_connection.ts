import { type Connection, connectionName } from '../model/connection.ts';
import { mayBeVerified, refusalOf } from '../model/connection_resource_states.ts';
import type { ContainedSet } from '../model/contained_set.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import type { ServedToken, VerifyConnectionRequest } from './access_token_service_interface.ts';
import { checkNotContained } from './check_not_contained.ts';
import { checkAllowed } from './connection_serving_errors.ts';
import type { ConnectionSnapshots } from './connection_snapshot_cache.ts';
import { createInProgressLimit } from './in_progress_limit.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_request.ts';
import { waitFor } from './wait_until_caller_aborts.ts';

const MOST_OF_CALLER = 32;
const TOO_MANY = `A caller verifies at most ${MOST_OF_CALLER} connections at once. Retry later, with fewer concurrent calls.`;

/**
 * Redeems now for each refused resource, or else for the first granted one, and returns the connection as it is then. A refusal that is
 * stored is part of the answer; another failure is an error, because the stored state is from before it. A refresh token that Entra
 * refused for good is not redeemed again.
 */
export function createVerifyConnection({
  snapshots,
  contained,
  refresh,
}: {
  readonly snapshots: ConnectionSnapshots;
  readonly contained: ContainedSet;
  readonly refresh: (purpose: string, request: RefreshRequest) => Promise<ServedToken>;
}) {
  const limited = createInProgressLimit(MOST_OF_CALLER, TOO_MANY);

  return (request: VerifyConnectionRequest) => limited(request.callerId, () => verify(request));

  async function verify(request: VerifyConnectionRequest): Promise<Connection> {
    let snapshot = await snapshots.load(request.tenantId, request.connectionId);
    checkNotContained(contained, snapshot);
    checkAllowed(snapshot);
    let unstored: VaultError | undefined;
    for (const resource of resourcesToVerify(snapshot.connection)) {
      if (!mayBeVerified(snapshot.connection)) break;
      const refusal = await redeem(resource);
      snapshot = await snapshots.load(request.tenantId, request.connectionId);
      if (refusal !== undefined && refusal.reason !== refusalOf(snapshot.connection, resource)?.reason)
        unstored ??= refusal;
    }
    if (unstored !== undefined) throw unstored;
    return snapshot.connection;

    async function redeem(resource: string): Promise<VaultError | undefined> {
      const options = { priority: 'FOREGROUND', ...FORCE_REFRESH, ignoreCooldown: true, force: request } as const;
      const work = refresh('verify', { snapshot, resource, ...options });
      try {
        await waitFor(work, request.signal(), connectionName(snapshot.connection));
      } catch (error) {
        if (!isVaultError(error)) throw error;
        return error;
      }
    }
  }
}

function resourcesToVerify({ granted, resourceIssues }: Connection): readonly string[] {
  const issues = Object.keys(resourceIssues);
  return issues.length > 0 ? issues : Object.keys(granted).slice(0, 1);
}
