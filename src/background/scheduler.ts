import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Duration, MINUTE } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { BatchJob } from './batch_job.ts';
import { createJobLease, LEASE_RENEWAL } from './job_lease.ts';

const PERIOD: Duration = MINUTE;
const LEASE_NAME = 'background_jobs';
/** Of each job and run; the rest waits for the next run. */
const MOST_BATCHES = 200;
/** For a job that waits for remote services, so that local jobs run again soon. */
const LONGEST_REMOTE_RUN: Duration = 2 * PERIOD;

/** Runs the background jobs once a minute. */
export interface Scheduler {
  /** Runs all jobs once, or joins the run in progress. Never rejects. */
  runOnce(): Promise<void>;
  close(): Promise<void>;
}

export interface SchedulerParts {
  readonly leases: Pick<Stores['leases'], 'acquire' | 'release'>;
  readonly every: Every;
  readonly log: Log;
  /** Random id of this process: the holder of the lease. */
  readonly replica: string;
  /** Jobs over shared rows: one replica at a time runs them. */
  readonly jobs: readonly BatchJob[];
  /** The same for jobs that wait for Entra, Graph or key vaults. They run after `jobs`. */
  readonly remoteJobs: readonly BatchJob[];
  /** Each replica runs it, without a lease. */
  readonly localJob: () => Promise<void>;
}

export function startScheduler(parts: SchedulerParts): Scheduler {
  const { log, replica } = parts;
  const lease = createJobLease(parts.leases, LEASE_NAME, replica);
  let closed = false;

  const runOnce = runOnceAtATime(async () => {
    if (closed) return;
    // A failing job does not block the others.
    for (const job of parts.jobs) await drain(job).catch(report);
    for (const job of parts.remoteJobs) await drain(job, LONGEST_REMOTE_RUN).catch(report);
    await parts.localJob().catch(report);
  });

  async function drain(job: BatchJob, longest: Duration = Infinity): Promise<void> {
    const start = performance.now();
    for (let batches = 0; batches < MOST_BATCHES && !closed; batches += 1) {
      if (performance.now() - start >= longest) return;
      // Before each batch: if the lease was lost meanwhile, another replica runs the job.
      if ((await lease.hold()) === undefined) return;
      if (!(await job.batch())) return;
      await nextTurn();
    }
  }

  /** Keeps the lease between runs and during long batches; runs the jobs when it was taken over from another replica. */
  async function renew(): Promise<void> {
    if (await lease.takeOver()) await runOnce();
  }

  function report(failure: unknown): void {
    log.event('error', 'internal_error', { requestId: '', ...errorLocation(failure) });
  }

  const stops = [
    parts.every(PERIOD, runOnce),
    // A failure is reported by the next run.
    parts.every(LEASE_RENEWAL, () => void renew().catch(() => {})),
  ];
  // At once: a vault that restarts within each minute would otherwise never run its jobs.
  void runOnce();
  return {
    runOnce,
    async close() {
      closed = true;
      for (const stop of stops) stop();
      await runOnce();
      lease.stop();
      await lease.release().catch(report);
    },
  };
}
