import { setTimeout as wait } from 'node:timers/promises';
import type { Duration } from './clock.ts';

/** Waiting by the monotonic timers of Node, handed in so that tests beat the time. Only `sleep` keeps the process alive: a record may hang on it. */
export interface Timers {
  sleep(duration: Duration): Promise<void>;
  /** Returns the function that ends it. */
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
/** Does the task every so often; returns the function that ends it. */
export type Every = (period: Duration, task: () => void) => () => void;
