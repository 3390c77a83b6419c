import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import { createJobLease } from './job_lease.ts';

const PERIOD: Duration = SECOND;
const BATCH = 1_000;

export interface NumberingParts {
  readonly stores: Pick<Stores, 'outbox' | 'leases'>;
  readonly every: Every;
  readonly log: Log;
  readonly replica: string;
}

/** Numbers new events, as the one process that does so. Sinks and watchers see an event from then on. */
export function startNumbering({ stores, every, log, replica }: NumberingParts) {
  const lease = createJobLease(stores.leases, 'outbox', replica);
  let hasFailed = false;

  const runOnce = runOnceAtATime(async () => {
    try {
      for (let held = await lease.hold(); held !== undefined; held = await lease.hold()) {
        if (!(await stores.outbox.number(held, BATCH))) break;
      }
      hasFailed = false;
    } catch (error) {
      // Logged once, not each second: the health check reports an unavailable database.
      if (!hasFailed) log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) });
      hasFailed = true;
    }
  });

  const stop = every(PERIOD, () => void runOnce());
  return {
    runOnce,
    async close(): Promise<void> {
      stop();
      await runOnce();
      lease.stop();
      await lease.release().catch(() => {});
    },
  };
}
