import { type Duration, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import type { Reason } from '../../model/errors.ts';
import type { Failure } from '../../model/exchange.ts';

/** How long callers are refused locally before Entra is asked once more. */
export const COOLDOWN: Duration = 5 * MINUTE;
/** Between two trials of connections that have not failed. */
export const TRIAL_PACE: Duration = MINUTE;
/** The failing connection that waited longest has its trial first, unless it does not ask for so long. */
const TURN: Duration = 30 * SECOND;
const MOST_FAILING = 1_000;

/**
 * An app, a directory or a resource in a directory that Entra refuses: callers are refused locally. After five minutes single
 * exchanges are let through as trials. Connections that failed and those that did not have separate trials, so that a connection
 * with a fault of its own cannot use up the trials of the others.
 */
export interface Cooldown {
  readonly reason: Reason;
  readonly entraError: string | undefined;
  /** What to do, if that is more than the reason says. */
  readonly hint: string | undefined;
  /** True: `requester` is refused now. */
  isClosedTo(requester: string, now: Timestamp): boolean;
  beginTrial(requester: string, now: Timestamp): void;
  /** The same failure again. */
  confirm(requester: string, now: Timestamp): void;
  /** It was refused for another reason, perhaps one of its own: it joins those that failed, and proves nothing about the others. */
  noteFailing(requester: string): void;
  /** By a success whose request was sent after those that began the hold: what failed since must prove it again. */
  isRefutedBy(order: number): boolean;
}

export function createCooldown(
  failure: Pick<Failure, 'reason' | 'entraError' | 'hint'>,
  evidence: { readonly requesters: readonly string[]; readonly order: number },
  start: Timestamp,
): Cooldown {
  /** In the order of their last trials: the first has waited longest. */
  const failing = new Set<string>(evidence.requesters.slice(0, MOST_FAILING));
  const { order } = evidence;
  let openTime = start + COOLDOWN;
  let nextTrial = openTime;
  let nextFailingTrial = openTime;

  /** A time further ahead than it can be is of before the clock was set back: it is reached for good. */
  function readClock(now: Timestamp): void {
    const reached = (time: Timestamp, longest: Duration) => (time - now > longest ? now : time);
    openTime = reached(openTime, COOLDOWN);
    nextFailingTrial = reached(nextFailingTrial, COOLDOWN);
    nextTrial = reached(nextTrial, openTime > now ? COOLDOWN : TRIAL_PACE);
  }

  return {
    reason: failure.reason,
    entraError: failure.entraError,
    hint: failure.hint,
    isClosedTo(requester, now) {
      readClock(now);
      if (openTime > now) return true;
      if (!failing.has(requester)) return nextTrial > now;
      if (nextFailingTrial > now) return true;
      const [longestWaiting] = failing;
      return requester !== longestWaiting && nextFailingTrial + TURN > now;
    },
    beginTrial(requester, now) {
      readClock(now);
      if (failing.delete(requester)) {
        failing.add(requester);
        nextFailingTrial = now + COOLDOWN;
      } else {
        nextTrial = now + TRIAL_PACE;
      }
    },
    confirm(requester, now) {
      // A connection that failed before proves nothing new, so the others' trials stay due.
      if (failing.has(requester) || failing.size >= MOST_FAILING) return;
      failing.add(requester);
      openTime = now + COOLDOWN;
    },
    noteFailing(requester) {
      if (failing.size < MOST_FAILING) failing.add(requester);
    },
    isRefutedBy: (successOrder) => successOrder >= order,
  };
}
