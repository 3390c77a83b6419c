import type { Duration } from '../model/clock.ts';
import type { Log } from './log_events.ts';
import { failureMessage } from './run_readiness_checks.ts';

/** Rejects if a dependency does not work. */
export type Check = () => Promise<void>;

/** Whether the vault can serve. An outage of Entra, or a problem of one tenant, does not make it unready. */
export interface Readiness {
  readonly ready: boolean;
  /** Returns the function that removes the listener. */
  listen(listener: (ready: boolean) => void): () => void;
  /** Unready from now on, whatever the checks report. */
  drain(): void;
  close(): void;
}

const PERIOD: Duration = 2_000;

/** Runs the checks now and every two seconds. */
export async function createReadiness(checks: readonly Check[]): Promise<Readiness> {
  const listeners = new Set<(ready: boolean) => void>();
  let ready = await pass(checks);
  let draining = false;
  let running = false;

  function change(to: boolean): void {
    if (to === ready) return;
    ready = to;
    for (const listener of listeners) listener(ready);
  }

  const timer = setInterval(async () => {
    // A check that takes longer than a period has failed, and its late result must not overwrite a newer one.
    if (running) return change(false);
    running = true;
    const passed = await pass(checks);
    running = false;
    change(passed && !draining);
  }, PERIOD).unref();

  return {
    get ready() {
      return ready;
    },
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    drain() {
      draining = true;
      change(false);
    },
    close: () => clearInterval(timer),
  };
}

async function pass(checks: readonly Check[]): Promise<boolean> {
  const results = await Promise.allSettled(checks.map((check) => check()));
  return results.every((result) => result.status === 'fulfilled');
}

/** A check that logs its first failure after each success, because `/readyz` reports no cause. */
export function loggedCheck(log: Log, check: Check): Check {
  let failing = false;
  return async () => {
    try {
      await check();
      failing = false;
    } catch (error) {
      if (!failing) log.event('error', 'database_check_failed', { message: failureMessage(error) });
      failing = true;
      throw error;
    }
  };
}
