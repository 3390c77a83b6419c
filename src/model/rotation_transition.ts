import { DAY, type Duration, elapsedSince, HOUR, MINUTE, type Timestamp } from './clock.ts';
import type { Rotation, RotationProblem } from './rotation.ts';
import { type ProblemToReport, problemToReport } from './rotation_problem.ts';

/** What came of one look at a rotation. */
export type RotationOutcome =
  /** ADD: Graph gave the new secret. */
  | { readonly kind: 'added'; readonly newCredentialUid: string }
  /** PROVE, WATCH: Entra takes the new one. `wasRefused`: it did not at some time since the last look. */
  | { readonly kind: 'accepted'; readonly wasRefused: boolean }
  /** From PROVE on: Entra refuses the new one. */
  | { readonly kind: 'refused'; readonly code: string | undefined }
  /** REMOVE: Entra has forgotten the old one. */
  | { readonly kind: 'removed' }
  /** REMOVE: nobody can tell which of those at Entra is the old one, or it serves elsewhere, too. */
  | { readonly kind: 'kept'; readonly problem: Extract<RotationProblem['kind'], 'NO_KEY_ID' | 'IN_USE'> }
  /** ADD, REMOVE: somebody removed the old one here. */
  | { readonly kind: 'old_gone' }
  /** From PROVE on: somebody removed the new one here. `isWanted`: the app still renews itself. */
  | { readonly kind: 'new_gone'; readonly isWanted: boolean }
  /** From PROVE on: somebody removed the new one at Entra. */
  | { readonly kind: 'new_lost' }
  | { readonly kind: 'suspended' }
  | RotationBlocker;

export interface RotationBlocker {
  readonly kind: 'hindered';
  readonly problem: Exclude<RotationProblem['kind'], 'REFUSED_SECRET' | 'NO_KEY_ID' | 'IN_USE'>;
  readonly code?: string | undefined;
  readonly permission?: string | undefined;
  readonly hints?: readonly string[] | undefined;
  readonly retryAfter?: Duration | undefined;
}

export interface RotationFacts {
  readonly now: Timestamp;
  /** Of the old one; undefined: nobody knows, or it is gone. */
  readonly oldEnd: Timestamp | undefined;
  /** When the new one was made; undefined: there is none. */
  readonly newCreateTime: Timestamp | undefined;
}

export interface RotationTransition {
  /** Undefined: it is over. */
  readonly after: Rotation | undefined;
  /** PREFERRED: the new one goes first from now on. REMOVED: the old one goes. LOST: the new one goes. */
  readonly done: 'ADDED' | 'PREFERRED' | 'WATCHED' | 'REMOVED' | 'LOST' | undefined;
  /** To be told now. */
  readonly tell: ProblemToReport | undefined;
}

/** Entra's servers learn of a secret one after the other: for so long success and refusal may take turns. */
const REPLICATION: Duration = 15 * MINUTE;
const LEAST_AGE: Duration = 5 * MINUTE;
const LEAST_RUN: Duration = 3 * MINUTE;
const LOOK_EVERY: Duration = MINUTE;
const WATCH_EVERY: Duration = HOUR;
const WATCH_FOR: Duration = DAY;
/** What nobody mends by waiting is tried again once a day. */
const HINDERED_EVERY: Duration = DAY;
/** From then on it is no replication any more. */
const SUSPECT_AFTER: Duration = HOUR;

/** What becomes of it. The old secret goes only after a day in which no look saw the new one refused, and the last one saw it taken. */
export function nextTransition(rotation: Rotation, outcome: RotationOutcome, facts: RotationFacts): RotationTransition {
  const { now } = facts;
  switch (outcome.kind) {
    case 'added': {
      const { newCredentialUid } = outcome;
      return done('ADDED', begun(rotation, { step: 'PROVE', newCredentialUid, nextTime: now + LOOK_EVERY }));
    }
    case 'accepted':
      return rotation.step === 'PROVE' ? proving(rotation, facts) : watching(rotation, outcome.wasRefused, now);
    case 'refused':
      return rotation.step === 'PROVE'
        ? unproved(rotation, outcome.code, facts)
        : doubted(rotation, outcome.code, facts);
    case 'removed':
      return done('REMOVED', undefined);
    case 'kept':
      return { after: undefined, done: undefined, tell: problemToReport(rotation, outcome, facts, 0).tell };
    case 'old_gone':
      return quiet(undefined);
    case 'new_gone':
      return quiet(outcome.isWanted ? fromTheStart(rotation, now) : undefined);
    case 'new_lost': {
      const { after, tell } = problemToReport(rotation, { problem: 'REFUSED_SECRET' }, facts, 0);
      return { after: { ...fromTheStart(rotation, now), problem: after.problem }, done: 'LOST', tell };
    }
    case 'suspended':
      // Nobody looks meanwhile: what was seen before says too little by then.
      return quiet({ ...rotation, watchTime: undefined, nextTime: now + DAY });
    case 'hindered':
      return stopped(rotation, outcome, facts);
  }
}

function proving(rotation: Rotation, { now, newCreateTime = now }: RotationFacts): RotationTransition {
  // Where the clock was set back, no more is known than how long Entra has taken it since.
  const age = newCreateTime <= now ? now - newCreateTime : now - (notAhead(rotation.watchTime, now) ?? now);
  // Looks that are far apart say little while success and refusal take turns.
  const isLate = age < REPLICATION && now - rotation.nextTime > LOOK_EVERY;
  const since = (isLate ? undefined : notAhead(rotation.watchTime, now)) ?? now;
  if (age >= LEAST_AGE && now - since >= LEAST_RUN) {
    return done('PREFERRED', begun(rotation, { step: 'WATCH', watchTime: now, nextTime: now + WATCH_EVERY }));
  }
  return quiet({ ...answered(rotation), watchTime: since, nextTime: now + LOOK_EVERY, failures: 0 });
}

function unproved(rotation: Rotation, code: string | undefined, facts: RotationFacts): RotationTransition {
  const { now, newCreateTime = now } = facts;
  const again = { ...answered(rotation), watchTime: undefined };
  if (elapsedSince(newCreateTime, now) >= SUSPECT_AFTER)
    return stays(problemToReport(again, { problem: 'REFUSED_SECRET', code }, facts, SUSPECT_AFTER));
  return quiet({ ...again, failures: rotation.failures + 1, nextTime: now + LOOK_EVERY });
}

function watching(rotation: Rotation, wasRefused: boolean, now: Timestamp): RotationTransition {
  const watchTime = wasRefused ? now : watchedSince(rotation, now);
  const end = watchTime + WATCH_FOR;
  if (end <= now) return done('WATCHED', begun(rotation, { step: 'REMOVE', watchTime, nextTime: now }));
  return quiet(begun(rotation, { watchTime, nextTime: Math.min(end, now + WATCH_EVERY) }));
}

/** The day is longer by what nobody saw of it: the vault was down, Entra did not answer, or the clock jumped. */
function watchedSince({ watchTime = Infinity, nextTime, problem }: Rotation, now: Timestamp): Timestamp {
  const blindSince = problem?.time ?? nextTime + WATCH_EVERY;
  return notAhead(watchTime + Math.max(0, now - blindSince), now) ?? now;
}

/** Undefined: it lies in the future, by a clock that was set back since. */
function notAhead(time: Timestamp | undefined, now: Timestamp): Timestamp | undefined {
  return time === undefined || time > now ? undefined : time;
}

/** The day begins anew, also for one that was about to remove the old one. */
function doubted(rotation: Rotation, code: string | undefined, facts: RotationFacts): RotationTransition {
  const anew: Rotation = { ...rotation, step: 'WATCH', watchTime: facts.now };
  return stays(problemToReport(anew, { problem: 'REFUSED_SECRET', code }, facts, WATCH_EVERY));
}

function stopped(rotation: Rotation, obstacle: RotationBlocker, facts: RotationFacts): RotationTransition {
  const { now, oldEnd } = facts;
  // In PROVE it breaks the row of successes.
  const again = rotation.step === 'PROVE' ? { ...rotation, watchTime: undefined } : rotation;
  if (obstacle.problem === 'UNAVAILABLE')
    return stays(problemToReport(again, obstacle, facts, waitOf(rotation, obstacle)));
  const move = stays(problemToReport(again, obstacle, facts, HINDERED_EVERY));
  // What has ended harms nobody where it is, and must not keep the next rotation from beginning.
  const isPast = rotation.step === 'REMOVE' && oldEnd !== undefined && oldEnd <= now;
  return isPast ? { ...move, after: undefined } : move;
}

function waitOf({ failures }: Rotation, { retryAfter = 0 }: RotationBlocker): Duration {
  const backoff = Math.min(LOOK_EVERY * 2 ** Math.min(failures, 10), HOUR);
  return Math.min(Math.max(backoff, retryAfter), DAY);
}

/** An outage is over once there is an answer, whatever it says. */
function answered(rotation: Rotation): Rotation {
  return rotation.problem?.kind === 'UNAVAILABLE' ? { ...rotation, problem: undefined } : rotation;
}

function fromTheStart(rotation: Rotation, now: Timestamp): Rotation {
  return begun(rotation, { step: 'ADD', newCredentialUid: undefined, watchTime: undefined, nextTime: now });
}

function begun(rotation: Rotation, changes: Partial<Rotation>): Rotation {
  return { ...rotation, watchTime: undefined, failures: 0, problem: undefined, ...changes };
}

function done(what: NonNullable<RotationTransition['done']>, after: Rotation | undefined): RotationTransition {
  return { after, done: what, tell: undefined };
}

function stays({ after, tell }: ReturnType<typeof problemToReport>): RotationTransition {
  return { after, done: undefined, tell };
}

function quiet(after: Rotation | undefined): RotationTransition {
  return { after, done: undefined, tell: undefined };
}
