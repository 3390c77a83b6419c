import { startNumbering } from '../background/number_outbox_events.ts';
import type { Config } from '../config/config_interface.ts';
import type { FollowedContainments } from '../containment/follow_containments.ts';
import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import { SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { Changes } from '../model/resource_change_announcements.ts';
import { followChanges } from '../replication/follow_changes.ts';
import { startHeartbeat } from '../replication/replica_heartbeat.ts';
import type { Replica } from '../store/replication_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Metrics } from '../telemetry/vault_metrics.ts';
import type { Shutdown } from './shutdown.ts';

interface ReplicasParts {
  readonly stores: Stores;
  readonly changes: Changes;
  readonly containments: FollowedContainments;
  readonly authorizationServer: Pick<AuthorizationServer, 'forget' | 'forgetAll'>;
  readonly config: Pick<Config, 'staleLimit'>;
  readonly replica: Omit<Replica, 'feedPosition'>;
  readonly every: Every;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly opened: Shutdown['opened'];
}

/** Follows the changes of the other processes, and shows them that this one runs. Undefined: it has the database to itself. */
export async function joinReplicas(parts: ReplicasParts) {
  const { stores, changes, containments, authorizationServer, config, replica, every, metrics, log, opened } = parts;
  if (!stores.isShared) {
    await containments.reload();
    metrics.observeReplicas({ lag: () => 0, behind: () => false, liveReplicas: async () => 1 });
    return undefined;
  }
  /** Containments were applied whose position the others do not know yet. */
  let isUnreported = false;
  let heartbeat: Awaited<ReturnType<typeof startHeartbeat>> | undefined;
  const follower = await opened(
    followChanges({
      changes: stores.changes,
      every,
      log,
      staleLimit: config.staleLimit,
      async apply({ kind, uid }) {
        if (kind === 'containment') {
          await containments.reload();
          isUnreported = true;
          return;
        }
        const change = { kind, uid };
        if (change.kind === 'app') authorizationServer.forget(change.uid);
        // A failure leaves keys in memory whose rows are deleted.
        if (change.kind === 'tenant' || change.kind === 'data_keys')
          stores.tenants.refreshKeys(change.uid).catch(() => {});
        // What was opened with the old data key stays valid.
        if (change.kind !== 'data_keys') changes.announce(change);
      },
      async reset() {
        authorizationServer.forgetAll();
        changes.reset();
        await containments.reload();
        isUnreported = true;
      },
      advanced() {
        if (!isUnreported) return;
        isUnreported = false;
        // Operators wait for it.
        void heartbeat?.renew();
      },
    }),
  );
  const { replicas } = stores;
  await containments.reload();
  // The feed may be unreadable while the containments can be read.
  const stopPolling = every(SECOND, () => void (follower.behind && containments.reload().catch(() => {})));
  await opened({ close: async () => stopPolling() });
  heartbeat = await opened(startHeartbeat({ replicas, every, replica, position: () => follower.position }));
  await stores.rootKeys.confirm();
  await opened(startNumbering({ stores, every, log, replica: replica.uid }));
  metrics.observeReplicas({
    lag: () => follower.lag,
    behind: () => follower.behind,
    liveReplicas: heartbeat.liveReplicas,
  });
  return follower;
}
