import { createJobLease } from '../background/job_lease.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';

const PERIOD: Duration = 5 * SECOND;

export interface RotationJobParts {
  readonly stores: Pick<Stores, 'leases'>;
  readonly every: Every;
  readonly log: Log;
  /** Uid of this process: the holder of the lease. */
  readonly replica: string;
}

interface Rotation {
  readonly leaseName: string;
  /** A pass. Calls `mayContinue` before each batch, and stops if it is false. */
  readonly rotate: (mayContinue: () => Promise<boolean>) => Promise<void>;
  /** This process does not lead the rotation. */
  readonly onIdle: () => void;
}

export type RotationJob = ReturnType<typeof startRotationJob>;

/**
 * A rotation of keys by the one process that holds a lease. A pass needs no record of its progress: after a crash, the
 * next one skips what is done.
 */
export function startRotationJob({ stores, every, log, replica }: RotationJobParts, rotation: Rotation) {
  const lease = createJobLease(stores.leases, rotation.leaseName, replica);
  let closed = false;
  let hasFailed = false;
  const mayContinue = async () => !closed && (await lease.hold()) !== undefined;

  const runOnce = runOnceAtATime(async () => {
    try {
      if (!closed) await rotation.rotate(mayContinue);
      hasFailed = false;
    } catch (error) {
      // Logged once, not every five seconds: the health check reports an unavailable database and a missing root key.
      if (!hasFailed) log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) });
      hasFailed = true;
    }
    if (!lease.isHeldFor(0)) rotation.onIdle();
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
