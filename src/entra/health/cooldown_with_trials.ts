import { type Duration, MINUTE, SECOND, type Timestamp } from '../../model/clock.ts';
import type { Failure } from '../../model/token_request_outcome.ts';

/** How long requests are refused locally before the first trial. */
export const COOLDOWN: Duration = 5 * MINUTE;
/** Between two trials of connections that have not failed. */
const TRIAL_INTERVAL: Duration = MINUTE;
/** The failing connection that waited longest has its trial first, unless it sends no request for this long. */
const TURN: Duration = 30 * SECOND;
const MAX_FAILING = 1_000;

export type Cooldown = ReturnType<typeof createCooldown>;

/**
 * Cooldown of an app, a directory or a resource in a directory after a refusal by Entra: requests are refused locally.
 * After five minutes single exchanges are sent as trials. Connections that failed and those that did not have separate
 * trials, so that a connection with a fault of its own cannot use up the trials of the others.
 */
export function createCooldown(
  failure: Pick<Failure, 'reason' | 'entraError' | 'hint'>,
  evidence: { readonly requesters: readonly string[]; readonly order: number },
  start: Timestamp,
) {
  /** In the order of their last trials: the first has waited longest. */
  const failing = new Set<string>(evidence.requesters.slice(0, MAX_FAILING));
  let openTime = start + COOLDOWN;
  let nextTrial = openTime;
  let nextFailingTrial = openTime;

  /** Resets times that are further ahead than possible: the clock was set back. */
  function readClock(now: Timestamp): void {
    const checked = (time: Timestamp, longest: Duration) => (time - now > longest ? now : time);
    openTime = checked(openTime, COOLDOWN);
    nextFailingTrial = checked(nextFailingTrial, COOLDOWN);
    nextTrial = checked(nextTrial, openTime > now ? COOLDOWN : TRIAL_INTERVAL);
  }

  const { reason, entraError, hint } = failure;
  return {
    reason,
    entraError,
    hint,
    isClosedTo(requester: string, now: Timestamp): boolean {
      readClock(now);
      if (openTime > now) return true;
      if (!failing.has(requester)) return nextTrial > now;
      if (nextFailingTrial > now) return true;
      const [longestWaiting] = failing;
      return requester !== longestWaiting && nextFailingTrial + TURN > now;
    },
    beginTrial(requester: string, now: Timestamp) {
      readClock(now);
      if (failing.delete(requester)) {
        failing.add(requester);
        nextFailingTrial = now + COOLDOWN;
      } else {
        nextTrial = now + TRIAL_INTERVAL;
      }
    },
    /** The same failure occurred again. */
    confirm(requester: string, now: Timestamp) {
      // A connection that failed before proves nothing new, so the trials of the others stay due.
      if (failing.has(requester) || failing.size >= MAX_FAILING) return;
      failing.add(requester);
      openTime = now + COOLDOWN;
    },
    /** A failure for any reason: the requester joins those that failed, which proves nothing about the others. */
    noteFailing(requester: string) {
      if (failing.size < MAX_FAILING) failing.add(requester);
    },
    /** By a success of a request that was sent after those that started the cooldown. */
    isRefutedBy: (successOrder: number) => successOrder >= evidence.order,
  };
}
