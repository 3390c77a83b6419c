import { DAY, type Timestamp } from './clock.ts';
import { isNever } from './credential.ts';
import type { Severity } from './event.ts';

/** Something that ends, and what was told of this very end. */
export interface ExpiryState {
  /** Undefined: nobody knows. */
  readonly expireTime: Timestamp | undefined;
  /** Days before the end; in any order. The end itself is told whether 0 is among them or not. */
  readonly thresholds: readonly number[];
  /** The threshold that was told last; undefined: none. */
  readonly lastRemindedDays: number | undefined;
}

export interface Decision {
  /** The threshold to tell now; 0: it has ended. Undefined: there is nothing new. */
  readonly thresholdDays: number | undefined;
  /** When somebody must look again; undefined: never, unless the end or the thresholds change. */
  readonly nextTime: Timestamp | undefined;
}

/**
 * Whoever looks late (a vault that was down, a credential added near its end) tells the most urgent threshold alone:
 * those before it would say of the past what was not so any more.
 */
export function decideReminder({ expireTime, thresholds, lastRemindedDays }: ExpiryState, now: Timestamp): Decision {
  if (expireTime === undefined || isNever(expireTime)) return { thresholdDays: undefined, nextTime: undefined };
  const days = [...thresholds, 0];
  const begins = (threshold: number) => expireTime - threshold * DAY;
  const inForce = days.filter((threshold) => begins(threshold) <= now);
  const ahead = days.filter((threshold) => begins(threshold) > now).map(begins);
  const urgent = inForce.length === 0 ? undefined : Math.min(...inForce);
  return {
    thresholdDays: urgent !== undefined && urgent < (lastRemindedDays ?? Infinity) ? urgent : undefined,
    nextTime: ahead.length === 0 ? undefined : Math.min(...ahead),
  };
}

/** By the time that is left, not by the threshold, which may be long past at a late look. */
export function severityOfEnd(expireTime: Timestamp, covered: boolean, now: Timestamp): Severity {
  const left = expireTime - now;
  if (covered || left > 14 * DAY) return 'INFO';
  return left > 3 * DAY ? 'WARNING' : 'CRITICAL';
}
