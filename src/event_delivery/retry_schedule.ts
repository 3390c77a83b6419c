import { DAY, type Duration, HOUR, SECOND, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/delivery.ts';

const FIRST_DELAY = 10 * SECOND;
const LONGEST_DELAY = 6 * HOUR;
const TRIED_FOR = 3 * DAY;
/** Either way, as a part of the delay: what failed together does not come back together. */
const JITTER = 0.2;

/** When a delivery is tried again whose try just failed, the last one exactly when its time is over; undefined: never, it becomes a dead letter. */
export function nextTry(failed: {
  /** Its attempts count the failed one. */
  readonly delivery: Pick<Delivery, 'attempts' | 'createTime'>;
  readonly now: Timestamp;
  /** What the sink asked for. */
  readonly retryAfter: Duration | undefined;
  /** From 0 to 1. */
  readonly random: number;
}): Timestamp | undefined {
  const { delivery, now, retryAfter = 0, random } = failed;
  const end = delivery.createTime + TRIED_FOR;
  if (now >= end) return undefined;
  const doubled = Math.min(FIRST_DELAY * 2 ** (delivery.attempts - 1), LONGEST_DELAY);
  const delay = doubled * (1 + JITTER * (2 * random - 1));
  return Math.round(Math.max(Math.min(now + delay, end), now + retryAfter));
}
