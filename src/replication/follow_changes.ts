import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import type { StoredChange } from '../model/resource_change_announcements.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { ChangeStore } from '../store/replication_store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';

const PERIOD: Duration = SECOND / 2;
const BATCH = 1_000;
/** Longer than a failover of the database, so that a short outage costs no reads. */
const BEHIND_AFTER: Duration = 30 * SECOND;

export interface FollowerParts {
  readonly changes: ChangeStore;
  readonly every: Every;
  readonly log: Log;
  /** Applies a change of another process to the caches of this one. If it rejects, it is applied again with the next read. */
  readonly apply: (change: StoredChange) => void | Promise<void>;
  /** Drops everything cached: changes were missed. If it rejects, it is called again with the next read. */
  readonly reset: () => void | Promise<void>;
  /** After changes were applied. `position` has advanced. */
  readonly advanced?: (() => void) | undefined;
  /** How long tokens in memory may be served while neither changes nor the database can be read; undefined: until they expire. */
  readonly staleLimit: Duration | undefined;
  /** Monotonic, in milliseconds. */
  readonly monotonicNow?: (() => number) | undefined;
}

export type Follower = Awaited<ReturnType<typeof followChanges>>;

/** Applies the changes of other processes. To be started before anything is cached. */
export async function followChanges(parts: FollowerParts) {
  const { changes, log, monotonicNow = () => performance.now(), staleLimit = Infinity } = parts;
  let last = await changes.newest();
  let readTime = monotonicNow();
  let behind = false;

  const readOnce = runOnceAtATime(async () => {
    const start = monotonicNow();
    while (await applyBatch());
    readTime = start;
    if (behind) log.event('info', 'changes_feed_recovered', {});
    behind = false;
  });

  /** True: there may be more. */
  async function applyBatch(): Promise<boolean> {
    // With the last row, which proves that the database is still the same.
    const rows = await changes.read(last?.position ?? 0, BATCH);
    const isSame = last === undefined || (rows[0]?.position === last.position && rows[0].uid === last.uid);
    if (!isSame) {
      const newest = await changes.newest();
      log.event('warn', 'changes_feed_reset', {});
      await parts.reset();
      last = newest;
      parts.advanced?.();
      return true;
    }
    for (const row of last === undefined ? rows : rows.slice(1)) {
      if (!changes.takeOwn(row.uid)) await parts.apply(row.change);
      last = row;
    }
    parts.advanced?.();
    return rows.length === BATCH;
  }

  /** Never rejects: a failure shows as lag. */
  async function poll(): Promise<void> {
    // Before the read, which may hang.
    if (!behind && monotonicNow() - readTime >= BEHIND_AFTER) {
      behind = true;
      log.event('error', 'changes_feed_behind', {});
    }
    await readOnce().catch(() => {});
  }

  const stop = parts.every(PERIOD, () => void poll());
  // Without it, polling shows changes all the same.
  const subscription = await changes.listen(() => void poll()).catch(() => undefined);

  return {
    poll,
    /** Changes of other processes have not arrived for so long that each request reads the database. */
    get behind(): boolean {
      return behind;
    },
    /** A token in memory must not be served unless the database can be read. */
    get stale(): boolean {
      return monotonicNow() - readTime > staleLimit;
    },
    /** Since the feed was read last. */
    get lag(): Duration {
      return monotonicNow() - readTime;
    },
    /** The last change that was applied. */
    get position(): number {
      return last?.position ?? 0;
    },
    async close(): Promise<void> {
      stop();
      await subscription?.close();
      await poll();
    },
  };
}
