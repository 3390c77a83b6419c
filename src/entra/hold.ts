import { type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';

/** How long callers are refused locally before Entra is asked once more. */
export const HOLD_TIME: Duration = 5 * MINUTE;
/** Between two trials of connections that have not failed. */
export const TRIAL_PACE: Duration = MINUTE;
const MOST_FAILING = 1_000;

/**
 * An app, a directory or a resource in a directory that Entra refuses: callers are refused locally. After five minutes single
 * exchanges are let through as trials. Connections that failed and those that did not have separate trials, so that a connection
 * with a fault of its own cannot use up the trials of the others.
 */
export interface Hold {
  readonly reason: Reason;
  /** What to do, if that is more than the reason says. */
  readonly hint: string | undefined;
  /** True: `requester` is refused now. */
  isClosedTo(requester: string, now: Timestamp): boolean;
  beginTrial(requester: string, now: Timestamp): void;
  /** The trial was not sent: the next requester may have it. */
  abandonTrial(requester: string, now: Timestamp): void;
  /** The same failure again. `order`: when its request was sent. */
  confirm(requester: string, order: number, now: Timestamp): void;
  /** A success refutes only failures whose requests were sent before it. */
  isRefutedBy(order: number): boolean;
}

export function createHold(
  failure: Pick<Failure, 'reason' | 'hint'>,
  evidence: { readonly requesters: readonly string[]; readonly order: number },
  start: Timestamp,
): Hold {
  /** In the order of their last trials: the first has waited longest. */
  const failing = new Set<string>(evidence.requesters.slice(0, MOST_FAILING));
  let { order } = evidence;
  let openTime = start + HOLD_TIME;
  let nextTrial = openTime;
  let nextFailingTrial = openTime;

  return {
    reason: failure.reason,
    hint: failure.hint,
    isClosedTo(requester, now) {
      if (isAhead(openTime, HOLD_TIME, now)) return true;
      if (!failing.has(requester)) return isAhead(nextTrial, TRIAL_PACE, now);
      if (isAhead(nextFailingTrial, HOLD_TIME, now)) return true;
      const [longestWaiting] = failing;
      return requester !== longestWaiting && isAhead(nextFailingTrial + TRIAL_PACE, TRIAL_PACE, now);
    },
    beginTrial(requester, now) {
      if (failing.delete(requester)) {
        failing.add(requester);
        nextFailingTrial = now + HOLD_TIME;
      } else {
        nextTrial = now + TRIAL_PACE;
      }
    },
    abandonTrial(requester, now) {
      if (failing.has(requester)) nextFailingTrial = now;
      else nextTrial = now;
    },
    confirm(requester, confirmedOrder, now) {
      order = Math.max(order, confirmedOrder);
      // A connection that failed before proves nothing new, so the others' trials stay due.
      if (failing.has(requester) || failing.size >= MOST_FAILING) return;
      failing.add(requester);
      openTime = now + HOLD_TIME;
    },
    isRefutedBy: (successOrder) => successOrder >= order,
  };
}

/** A time further ahead than it can be means that the clock was set back. */
function isAhead(time: Timestamp, longest: Duration, now: Timestamp): boolean {
  const rest = time - now;
  return rest > 0 && rest <= longest;
}
