import { type Duration, SECOND } from '../model/clock.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import { LIVE } from '../replication/replica_heartbeat.ts';
import type { ListedReplica, Replica } from '../store/replication_store_interfaces.ts';
import type { Stores } from '../store/store_interfaces.ts';

const LONGEST_WAIT: Duration = 2 * SECOND;
const PAUSE: Duration = SECOND / 20;

export interface AwaitedReplica {
  readonly name: string;
  /** It enforces the containments that are stored now. */
  readonly isApplied: boolean;
  readonly heartbeatAge: Duration;
}

export interface AwaitReplicasParts {
  readonly stores: Pick<Stores, 'replicas' | 'changes' | 'isShared'>;
  readonly replica: Pick<Replica, 'uid' | 'name'>;
  readonly timers: Pick<Timers, 'sleep'>;
  readonly monotonicNow?: (() => number) | undefined;
}

/** Waits until all live replicas have applied what is stored now, at most two seconds. */
export function createAwaitReplicas(parts: AwaitReplicasParts): () => Promise<readonly AwaitedReplica[]> {
  const { stores, replica, timers, monotonicNow = () => performance.now() } = parts;

  function toAwaited(one: ListedReplica, position: number): AwaitedReplica {
    const hasApplied = one.enforcesContainments === true && one.feedPosition >= position;
    // This process applied it before it began to wait.
    return { name: one.name, isApplied: one.uid === replica.uid || hasApplied, heartbeatAge: one.heartbeatAge };
  }

  return async () => {
    if (!stores.isShared) return [{ name: replica.name, isApplied: true, heartbeatAge: 0 }];
    const giveUpTime = monotonicNow() + LONGEST_WAIT;
    const position = (await stores.changes.newest())?.position ?? 0;
    for (;;) {
      const replicas = (await stores.replicas.listLive(LIVE)).map((one) => toAwaited(one, position));
      if (replicas.every(({ isApplied }) => isApplied) || monotonicNow() >= giveUpTime) return replicas;
      await timers.sleep(PAUSE);
    }
  };
}
