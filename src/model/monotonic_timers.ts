import { setTimeout as wait } from 'node:timers/promises';
import type { Duration } from './clock.ts';

/** Node's monotonic timers; a parameter, so that tests control time. Only `sleep` keeps the process running: a record may depend on it. */
export interface Timers {
  sleep(duration: Duration): Promise<void>;
  /** Returns a function that stops it. */
  every(period: Duration, task: () => void): () => void;
}

export const systemTimers: Timers = {
  sleep: (duration) => wait(duration),
  every(period, task) {
    const interval = setInterval(task, period);
    interval.unref();
    return () => clearInterval(interval);
  },
};

export type Every = Timers['every'];
