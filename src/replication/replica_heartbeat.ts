import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Replica, ReplicaStore } from '../store/replication_store_interfaces.ts';

const PERIOD: Duration = 5 * SECOND;
/** Without a heartbeat for this long, a process counts as ended. */
export const LIVE: Duration = 30 * SECOND;

export interface HeartbeatParts {
  readonly replicas: ReplicaStore;
  readonly every: Every;
  readonly replica: Omit<Replica, 'feedPosition'>;
  /** The last change that this process applied. */
  readonly position: () => number;
}

/** Keeps the row of this process, by which the others count it. */
export async function startHeartbeat({ replicas, every, replica, position }: HeartbeatParts) {
  const beat = runOnceAtATime(() => replicas.heartbeat({ ...replica, feedPosition: position() }));
  await beat();
  // The health check reports an unavailable database.
  const stop = every(PERIOD, () => void beat().catch(() => {}));
  return {
    /** This process and the others that run. */
    liveReplicas: () => replicas.live(LIVE),
    /** With the position as it is now: a heartbeat in progress may have an earlier one. */
    async renew(): Promise<void> {
      await beat().catch(() => {});
      await beat().catch(() => {});
    },
    async close(): Promise<void> {
      stop();
      await beat().catch(() => {});
      // Without it, the row counts for half a minute.
      await replicas.remove(replica.uid).catch(() => {});
    },
  };
}
