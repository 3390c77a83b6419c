import { setImmediate as nextTurn } from 'node:timers/promises';
import { createJobLease } from '../background/job_lease.ts';
import { type Clock, type Duration, MINUTE, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { DataKeyPosition } from '../store/root_key_store_interface.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';

export const LEASE_NAME = 'root_key_rotation';

const PERIOD: Duration = 5 * SECOND;
/** A batch is one commit, in which no tenant can be registered. It takes about 10 ms. */
const BATCH = 100;
const LOGGED_EVERY = 1_000;
/** After a pass that left damaged data keys behind. */
const PAUSE: Duration = MINUTE;

export interface RewrappingParts {
  readonly stores: Pick<Stores, 'rootKeys' | 'leases'>;
  readonly clock: Clock;
  readonly every: Every;
  readonly log: Log;
  /** Uid of this process: the holder of the lease. */
  readonly replica: string;
  readonly metrics: {
    /** Data keys that this process has still to wrap. */
    pending(count: number): void;
    rewrapped(count: number): void;
  };
}

export type Rewrapping = ReturnType<typeof startRewrapping>;

/**
 * Wraps all data keys under the active root key, as the one process that does so, and then retires the other root keys. A
 * pass needs no record of its progress: after a crash, the next one skips what is done.
 */
export function startRewrapping({ stores, clock, every, log, replica, metrics }: RewrappingParts) {
  const { rootKeys } = stores;
  const lease = createJobLease(stores.leases, LEASE_NAME, replica);
  let closed = false;
  let hasFailed = false;
  let pauseEnd = 0;
  const reported = new Set<string>();

  /** False: it stopped early. */
  async function rewrapAll(rootKeyId: string): Promise<boolean> {
    const counts = await rootKeys.countDataKeys();
    let pending = counts.reduce((sum, one) => sum + (one.rootKeyId === rootKeyId ? 0 : one.dataKeys), 0);
    let done = 0;
    metrics.pending(pending);
    log.event('info', 'root_key_rewrapping', { rootKeyId, pending });
    for (let last: DataKeyPosition | undefined; ; ) {
      if (closed || (await lease.hold()) === undefined) return false;
      const batch = await rootKeys.rewrap(last, BATCH);
      metrics.rewrapped(batch.rewrapped);
      pending = Math.max(0, pending - batch.rewrapped);
      metrics.pending(pending);
      const before = done;
      done += batch.rewrapped;
      if (Math.floor(done / LOGGED_EVERY) > Math.floor(before / LOGGED_EVERY)) {
        log.event('info', 'root_key_rewrapping', { rootKeyId, pending });
      }
      batch.damaged.forEach(reportDamage);
      last = batch.last;
      if (last === undefined) return true;
      await nextTurn();
    }
  }

  function reportDamage({ tenantUid, version }: DataKeyPosition): void {
    const name = `${tenantUid} ${version}`;
    if (reported.has(name)) return;
    reported.add(name);
    log.event('error', 'data_key_damaged', { tenantUid, version });
  }

  async function rotate(): Promise<void> {
    if (closed) return;
    const { active, retiring } = await rootKeys.read();
    if (retiring.length === 0) pauseEnd = 0;
    if (retiring.length === 0 || performance.now() < pauseEnd || (await lease.hold()) === undefined) return;
    if (!(await rewrapAll(active.id))) return;
    const retired = await rootKeys.retire(clock.now());
    if (retired === undefined) pauseEnd = performance.now() + PAUSE;
    for (const { id } of retired ?? []) log.event('info', 'root_key_retired', { rootKeyId: id, activeId: active.id });
  }

  const runOnce = runOnceAtATime(async () => {
    try {
      await rotate();
      hasFailed = false;
    } catch (error) {
      // Logged once, not every five seconds: the health check reports an unavailable database and a missing root key.
      if (!hasFailed) log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) });
      hasFailed = true;
    }
    if (!lease.isHeldFor(0)) metrics.pending(0);
  });

  const stop = every(PERIOD, () => void runOnce());
  return {
    /** Runs a pass, or joins the one in progress. Never rejects. */
    runOnce,
    async close(): Promise<void> {
      closed = true;
      stop();
      await runOnce();
      lease.stop();
      await lease.release().catch(() => {});
    },
  };
}
