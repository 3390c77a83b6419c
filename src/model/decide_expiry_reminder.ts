import { isNever } from './app_credential.ts';
import { DAY, type Timestamp } from './clock.ts';
import type { Severity } from './vault_event.ts';

/** An expiry, and the last reminder of it. */
export interface ExpiryState {
  /** Undefined: unknown. */
  readonly expireTime: Timestamp | undefined;
  /** Days before the expiry, in any order. The expiry itself is always reported, also without a 0. */
  readonly thresholds: readonly number[];
  /** Threshold of the last reminder; undefined: none. */
  readonly lastRemindedDays: number | undefined;
}

export interface Decision {
  /** Threshold of the reminder that is due; 0: it has expired. Undefined: none is due. */
  readonly thresholdDays: number | undefined;
  /** When to decide again; undefined: never, unless the expiry or the thresholds change. */
  readonly nextTime: Timestamp | undefined;
}

/**
 * If several thresholds have passed (the vault was down, or the credential was added late), only the most urgent reminder is sent;
 * earlier ones would be out of date.
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

/** By the remaining time, not by the threshold, which may have passed long ago. */
export function severityOfExpiry(expireTime: Timestamp, covered: boolean, now: Timestamp): Severity {
  const left = expireTime - now;
  if (covered || left > 14 * DAY) return 'INFO';
  return left > 3 * DAY ? 'WARNING' : 'CRITICAL';
}
