import { type Duration, MINUTE, SECOND, type Timestamp, timeLeft } from '../../model/clock.ts';
import type { Failure } from '../../model/token_request_outcome.ts';
import { NO_CONNECTION } from './refusal_evidence_weight.ts';
import { createTrialSchedule } from './trial_schedule.ts';

/** How long requests are refused locally before the first trial. */
export const COOLDOWN: Duration = 5 * MINUTE;
/** Between two trials of connections that have not failed. */
const TRIAL_INTERVAL: Duration = MINUTE;
/** The failing connection that waited longest has its trial first, unless it sends no request for this long. */
const TURN: Duration = 30 * SECOND;
const MAX_FAILING = 1_000;
const NEVER: Timestamp = Number.NEGATIVE_INFINITY;

export type Cooldown = ReturnType<typeof createCooldown>;

/**
 * Cooldown of an app, a directory or a resource in a directory after a refusal by Entra: requests are refused locally.
 * After five minutes single exchanges are sent as trials. Connections that failed and those that did not have separate
 * trials, so that a connection with a fault of its own cannot use up the trials of the others. A trial that fails for
 * another reason proves nothing about the cooldown: another connection has its trial at once.
 */
export function createCooldown(
  failure: Pick<Failure, 'reason' | 'entraError' | 'hint'>,
  evidence: { readonly requesters: readonly string[]; readonly order: number },
  start: Timestamp,
) {
  /** The time of their last trials, in that order: the first has waited longest. */
  const failing = new Map<string, Timestamp>();
  for (const requester of evidence.requesters.slice(0, MAX_FAILING)) failing.set(requester, NEVER);
  let openTime = start + COOLDOWN;
  const trials = createTrialSchedule(TRIAL_INTERVAL, openTime);
  const failingTrials = createTrialSchedule(COOLDOWN, openTime);

  /** Resets times that are further ahead than possible: the clock was set back. */
  function readClock(now: Timestamp): void {
    if (openTime - now > COOLDOWN) openTime = now;
    failingTrials.limit(now, COOLDOWN);
    trials.limit(now, openTime > now ? COOLDOWN : TRIAL_INTERVAL);
  }

  const { reason, entraError, hint } = failure;
  return {
    reason,
    entraError,
    hint,
    isClosedTo(requester: string, now: Timestamp): boolean {
      readClock(now);
      if (openTime > now) return true;
      const lastTrial = failing.get(requester);
      if (lastTrial === undefined) return trials.dueTime > now;
      if (failingTrials.dueTime > now || timeLeft(lastTrial + COOLDOWN, now, COOLDOWN) > 0) return true;
      const [longestWaiting] = failing.keys();
      return requester !== longestWaiting && failingTrials.dueTime + TURN > now;
    },
    beginTrial(requester: string, now: Timestamp) {
      readClock(now);
      if (failing.delete(requester)) {
        // Requests without a connection are of different people, so one with a fault must not block the others.
        failing.set(requester, requester === NO_CONNECTION ? NEVER : now);
        failingTrials.begin(requester, now);
      } else {
        trials.begin(requester, now);
      }
    },
    /** The same failure occurred again. */
    confirm(requester: string, now: Timestamp) {
      // A connection that failed before proves nothing new, so the trials of the others stay due.
      if (failing.has(requester)) {
        failingTrials.count();
        return;
      }
      trials.count();
      if (failing.size >= MAX_FAILING) return;
      failing.set(requester, now);
      openTime = now + COOLDOWN;
    },
    /** A failure for any reason: the requester joins those that failed, which proves nothing about the others. */
    noteFailing(requester: string, { entraError }: Pick<Failure, 'entraError'>) {
      if (!failing.has(requester)) {
        // Above the cap, a connection that failed is not recognized, so its trial stays used.
        if (failing.size >= MAX_FAILING) return;
        failing.set(requester, NEVER);
      }
      if (entraError === failure.entraError) return;
      trials.undo(requester);
      failingTrials.undo(requester);
    },
    /** By a success of a request that was sent after those that started the cooldown. */
    isRefutedBy: (successOrder: number) => successOrder >= evidence.order,
  };
}
