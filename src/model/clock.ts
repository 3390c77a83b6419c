import { performance } from 'node:perf_hooks';

/** Milliseconds since the Unix epoch. All `…Time` fields of the model have this unit. */
export type Timestamp = number;

/** Milliseconds. */
export type Duration = number;

/**
 * Wall-clock time; a parameter, so that tests and the sandbox can move it.
 * It decides what has expired and what is due. Timeouts use Node's monotonic timers, leases the clock of the database.
 */
export interface Clock {
  now(): Timestamp;
  /** Time that cannot be set; only differences are meaningful. Default: Node's. */
  monotonic?(): Duration;
}

export const systemClock: Clock = { now: () => Date.now() };

/** How far the wall clock is ahead of monotonic time. It gets smaller when the wall clock is set back. */
export function clockOffset(clock: Clock, now: Timestamp): Duration {
  return now - (clock.monotonic?.() ?? performance.now());
}

/**
 * How long ago `time` was. A time in the future was noted before the clock was set back: its distance counts, so that whatever
 * depends on it passes.
 */
export function elapsedSince(time: Timestamp, now: Timestamp): Duration {
  return Math.abs(now - time);
}

/** How long until `time`; 0 if it has passed, or is further ahead than `longest`, which means that the clock was set back. */
export function timeLeft(time: Timestamp, now: Timestamp, longest: Duration): Duration {
  const left = time - now;
  return left > longest ? 0 : Math.max(0, left);
}

export const SECOND: Duration = 1_000;
export const MINUTE: Duration = 60 * SECOND;
export const HOUR: Duration = 60 * MINUTE;
export const DAY: Duration = 24 * HOUR;
