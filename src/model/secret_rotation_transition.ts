import { DAY, type Duration, elapsedSince, HOUR, MINUTE, type Timestamp } from './clock.ts';
import type { Rotation, RotationProblem } from './secret_rotation.ts';
import type { Severity } from './vault_event.ts';

/** The result of one attempt at the current step of a rotation. */
export type RotationOutcome =
  /** ADD: the registration has the new one. */
  | { readonly kind: 'added'; readonly newCredentialUid: string }
  /** PROVE, WATCH: Entra accepts the new one. `wasRefused`: it did not at some time since the last attempt. */
  | { readonly kind: 'accepted'; readonly wasRefused: boolean }
  /** From PROVE on: Entra refuses the new one. */
  | { readonly kind: 'refused'; readonly code: string | undefined }
  /** REMOVE: the old one was removed at Entra. */
  | { readonly kind: 'removed' }
  /** REMOVE: the old one cannot be identified at Entra, or is in use elsewhere. */
  | { readonly kind: 'kept'; readonly problem: Extract<RotationProblem['kind'], 'NO_KEY_ID' | 'IN_USE'> }
  /** ADD, REMOVE: an operator removed the old one from the vault. ADD: or another one replaces it already. */
  | { readonly kind: 'old_gone' }
  /** From PROVE on: an operator removed the new one from the vault. `isWanted`: the app still has a rotation policy. */
  | { readonly kind: 'new_gone'; readonly isWanted: boolean }
  /** From PROVE on: the new one was removed at Entra. */
  | { readonly kind: 'new_lost' }
  | { readonly kind: 'suspended' }
  /** ADD, REMOVE: the policy of the app allows no change before this time. */
  | { readonly kind: 'outside_window'; readonly until: Timestamp }
  | RotationBlocker;

/** A problem of a step, without its history. */
interface FoundProblem extends Partial<Pick<RotationProblem, 'code' | 'permission' | 'hints'>> {
  readonly problem: RotationProblem['kind'];
}

export interface RotationBlocker extends FoundProblem {
  readonly kind: 'blocked';
  readonly problem: Exclude<RotationProblem['kind'], 'REFUSED_SECRET' | 'NO_KEY_ID' | 'IN_USE'>;
  readonly retryAfter?: Duration | undefined;
}

export interface RotationFacts {
  readonly now: Timestamp;
  /** When the old one expires; undefined: unknown, or it was removed. */
  readonly oldEnd: Timestamp | undefined;
  /** When the new one was created; undefined: not yet. */
  readonly newCreateTime: Timestamp | undefined;
}

export interface RotationTransition {
  /** Undefined: the rotation is completed. */
  readonly after: Rotation | undefined;
  /** PREFERRED: the new one is presented first from now on. REMOVED: the old one is removed. LOST: the new one is removed. */
  readonly done: 'ADDED' | 'PREFERRED' | 'WATCHED' | 'REMOVED' | 'LOST' | undefined;
  /** To report now. */
  readonly report: { readonly problem: RotationProblem; readonly severity: Severity } | undefined;
}

/** How long success and refusal may alternate, because Entra's servers learn of a secret one after the other. */
const REPLICATION: Duration = 15 * MINUTE;
const LEAST_AGE: Duration = 5 * MINUTE;
const LEAST_RUN: Duration = 3 * MINUTE;
const LOOK_EVERY: Duration = MINUTE;
const WATCH_EVERY: Duration = HOUR;
const WATCH_FOR: Duration = DAY;
/** For problems that do not pass by themselves. */
const HINDERED_EVERY: Duration = DAY;
/** From this age of the secret on, a refusal is not explained by replication. */
const SUSPECT_AFTER: Duration = HOUR;
/** A shorter outage is not reported: there are weeks left. */
const OUTAGE_REPORTED_AFTER: Duration = 6 * HOUR;
const URGENT: Duration = 14 * DAY;

/** The state after an attempt. The old secret is removed only after a day without a refusal of the new one, whose last attempt succeeded. */
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
      return { ...problemToReport(rotation, outcome, facts, 0), after: undefined };
    case 'old_gone':
      return quiet(undefined);
    case 'new_gone':
      return quiet(outcome.isWanted ? fromTheStart(rotation, now) : undefined);
    case 'new_lost': {
      const { after, report } = problemToReport(rotation, { problem: 'REFUSED_SECRET' }, facts, 0);
      return { after: { ...fromTheStart(rotation, now), problem: after?.problem }, done: 'LOST', report };
    }
    case 'suspended':
      // No attempts in the meantime: earlier results prove too little by then.
      return quiet({ ...rotation, watchTime: undefined, nextTime: now + DAY });
    case 'outside_window':
      // The policy may change meanwhile.
      return quiet({ ...rotation, nextTime: Math.min(outcome.until, now + DAY) });
    case 'blocked':
      return stopped(rotation, outcome, facts);
  }
}

function proving(rotation: Rotation, { now, newCreateTime = now }: RotationFacts): RotationTransition {
  // If the clock was set back, only the time for which Entra has accepted it since is known.
  const age = newCreateTime <= now ? now - newCreateTime : now - (notAhead(rotation.watchTime, now) ?? now);
  // Attempts that are far apart prove little while success and refusal alternate.
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
    return problemToReport(again, { problem: 'REFUSED_SECRET', code }, facts, SUSPECT_AFTER);
  return quiet({ ...again, failures: rotation.failures + 1, nextTime: now + LOOK_EVERY });
}

function watching(rotation: Rotation, wasRefused: boolean, now: Timestamp): RotationTransition {
  const watchTime = wasRefused ? now : watchedSince(rotation, now);
  const end = watchTime + WATCH_FOR;
  if (end <= now) return done('WATCHED', begun(rotation, { step: 'REMOVE', watchTime, nextTime: now }));
  return quiet(begun(rotation, { watchTime, nextTime: Math.min(end, now + WATCH_EVERY) }));
}

/** The day is prolonged by the time without attempts: the vault was down, Entra did not respond, or the clock jumped. */
function watchedSince({ watchTime = Infinity, nextTime, problem }: Rotation, now: Timestamp): Timestamp {
  const blindSince = problem?.time ?? nextTime + WATCH_EVERY;
  return notAhead(watchTime + Math.max(0, now - blindSince), now) ?? now;
}

/** Undefined if it is in the future, because the clock was set back since. */
function notAhead(time: Timestamp | undefined, now: Timestamp): Timestamp | undefined {
  return time === undefined || time > now ? undefined : time;
}

/** Restarts the day, also in step REMOVE. */
function doubted(rotation: Rotation, code: string | undefined, facts: RotationFacts): RotationTransition {
  const again: Rotation = { ...rotation, step: 'WATCH', watchTime: facts.now };
  return problemToReport(again, { problem: 'REFUSED_SECRET', code }, facts, WATCH_EVERY);
}

function stopped(rotation: Rotation, blocker: RotationBlocker, facts: RotationFacts): RotationTransition {
  const { now, oldEnd } = facts;
  // In PROVE it interrupts the run of successes.
  const again = rotation.step === 'PROVE' ? { ...rotation, watchTime: undefined } : rotation;
  if (blocker.problem === 'UNAVAILABLE') return problemToReport(again, blocker, facts, waitOf(rotation, blocker));
  const transition = problemToReport(again, blocker, facts, HINDERED_EVERY);
  // An expired secret is harmless where it is, and must not prevent the next rotation.
  const isPast = rotation.step === 'REMOVE' && oldEnd !== undefined && oldEnd <= now;
  return isPast ? { ...transition, after: undefined } : transition;
}

function waitOf({ failures }: Rotation, { retryAfter = 0 }: RotationBlocker): Duration {
  const backoff = Math.min(LOOK_EVERY * 2 ** Math.min(failures, 10), HOUR);
  return Math.min(Math.max(backoff, retryAfter), DAY);
}

/** Any response ends an outage, whatever it says. */
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
  return { after, done: what, report: undefined };
}

function quiet(after: Rotation | undefined): RotationTransition {
  return { after, done: undefined, report: undefined };
}

/** After a step that failed. Each problem is reported once, and again when it becomes another one or more urgent. */
function problemToReport(
  rotation: Rotation,
  found: FoundProblem,
  { now, oldEnd }: RotationFacts,
  wait: Duration,
): RotationTransition {
  const problem = problemOf(rotation.problem, found, now);
  const severityAt = (time: Timestamp) => severityOf(rotation, problem.kind, oldEnd, time);
  const isRipe = problem.kind !== 'UNAVAILABLE' || now - problem.time >= OUTAGE_REPORTED_AFTER;
  const isUnreported = problem.reportedTime === undefined || severityAt(problem.reportedTime) !== severityAt(now);
  const isDue = isRipe && isUnreported;
  const reported = isDue ? { ...problem, reportedTime: now } : problem;
  return {
    after: { ...rotation, problem: reported, failures: rotation.failures + 1, nextTime: now + wait },
    done: undefined,
    report: isDue ? { problem: reported, severity: severityAt(now) } : undefined,
  };
}

function problemOf(before: RotationProblem | undefined, found: FoundProblem, now: Timestamp): RotationProblem {
  const { problem: kind, code, permission, hints } = found;
  // An outage proves nothing about an earlier problem, and its codes may differ from response to response.
  const isSame = kind === 'UNAVAILABLE' || (before?.kind === kind && before.code === code);
  // Not in the future, if the clock was set back since.
  if (before !== undefined && isSame)
    return { ...before, hints: hints ?? before.hints, time: Math.min(before.time, now) };
  return { kind, code, permission, hints, time: now, reportedTime: undefined };
}

/** Shortly before the old one expires an operator must act at once, unless the new one is in use already. */
function severityOf(
  { step }: Rotation,
  kind: RotationProblem['kind'],
  oldEnd: Timestamp | undefined,
  time: Timestamp,
): Severity {
  const needsOld = step === 'ADD' || step === 'PROVE' || kind === 'REFUSED_SECRET';
  return needsOld && oldEnd !== undefined && oldEnd - time <= URGENT ? 'CRITICAL' : 'WARNING';
}
