import { DAY, type Duration, HOUR, SECOND, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/event_delivery.ts';

const FIRST_DELAY = 10 * SECOND;
const LONGEST_DELAY = 6 * HOUR;
const RETRY_PERIOD = 3 * DAY;
/** Share of the delay, in both directions, so that simultaneous failures are not retried at the same moment. */
const JITTER = 0.2;

/** The next attempt of a failed delivery, the last one exactly at the end of its time; undefined: it becomes a dead letter. */
export function nextAttempt(failed: {
  /** Its attempts include the failed one. */
  readonly delivery: Pick<Delivery, 'attempts' | 'createTime'>;
  readonly now: Timestamp;
  /** From the response of the sink. */
  readonly retryAfter: Duration | undefined;
  /** From 0 to 1. */
  readonly random: number;
}): Timestamp | undefined {
  const { delivery, now, retryAfter = 0, random } = failed;
  const end = delivery.createTime + RETRY_PERIOD;
  if (now >= end) return undefined;
  const doubled = Math.min(FIRST_DELAY * 2 ** (delivery.attempts - 1), LONGEST_DELAY);
  const delay = doubled * (1 + JITTER * (2 * random - 1));
  return Math.round(Math.max(Math.min(now + delay, end), now + retryAfter));
}
