import { type Duration, HOUR, MINUTE, SECOND } from '../../../src/model/clock.ts';
import { isAlike } from './answers.ts';
import type { Entry } from './scripted_entra.ts';

/**
 * Whether a refusal of somebody whose own answers are all successes is justified by the log of what Entra answered. This is the rule
 * of ADR 21, written again and apart from the vault: a hold needs evidence of a probe, of a second subject, or that nobody was
 * granted for long; a success ends it; and it is in force for five minutes after the last of its evidence, later only for the
 * minute after a trial.
 */
export interface Refused {
  readonly user: string;
  readonly app: string;
  readonly directory: string;
  readonly resource: string;
  readonly reason: string;
}

export interface Known {
  /** All that was sent to Entra so far. */
  readonly log: readonly Entry[];
  /** The credentials of the app. */
  readonly credentials: readonly string[];
  /** The step in which an operator's change made the vault forget the app's state. */
  readonly forgottenStep: number;
  readonly step: number;
  readonly now: number;
  /** With caps this small, the vault forgets which tenants it saw where. */
  readonly forgetsTenants: boolean;
}

const HOLD: Duration = 5 * MINUTE;
const TRIAL: Duration = MINUTE;
const FAILING_TRIAL: Duration = 5 * MINUTE + 30 * SECOND;
const RECENT_GRANT: Duration = 2 * HOUR;
const RECENT_USE: Duration = 5 * MINUTE;
const ALIKE: Duration = 5 * MINUTE;
const FEWEST_ALIKE = 3;
const LONGEST_PAUSE: Duration = MINUTE;
const LONGEST_THROTTLE: Duration = HOUR;

/** What justifies the refusal; undefined: nothing does. */
export function justification(refused: Refused, known: Known): string | undefined {
  const answered = known.log.filter(({ app, answeredStep }) => app === refused.app && answeredStep !== undefined);
  const remembered = answered.filter(({ step }) => step >= known.forgottenStep);
  const here = answered.filter(({ directory }) => directory === refused.directory);
  switch (refused.reason) {
    case 'ENTRA_THROTTLED':
      return here.some((one) => one.meaning?.kind === 'throttled' && isNear(one.time, known.now, LONGEST_THROTTLE))
        ? 'throttled'
        : undefined;
    case 'ENTRA_UNAVAILABLE':
      return isUnavailable(here, known.now) ? 'unavailable' : undefined;
  }
  const cooldowns = [
    credentialsHold(known, answered, remembered),
    appHold(known, remembered),
    directoryHold(refused, known, answered, remembered),
    resourceHold(refused, known, answered, remembered),
  ];
  return cooldowns.find((hold) => hold !== undefined && isInForce(hold, refused, known))?.name;
}

/** Something that is held, by the log. */
interface HeldByLog {
  readonly name: string;
  /** The first of the evidence. */
  readonly since: Entry;
  readonly isConcerned: (entry: Entry) => boolean;
  /** An answer that keeps it held. */
  readonly confirms: (entry: Entry) => boolean;
}

function isInForce(hold: HeldByLog, refused: Refused, { log, now, step }: Known): boolean {
  const sent = log.filter(({ app }) => app === refused.app).filter(hold.isConcerned);
  const isFresh = sent.some(
    (one) => one.answeredStep !== undefined && hold.confirms(one) && isNear(one.time, now, HOLD),
  );
  // A trial that failed for another reason proves nothing, so nobody waits for the next one.
  const isCounted = (one: Entry) => (one.answeredStep ?? step) >= step || hold.confirms(one);
  const isRecentTrial = (one: Entry, at: number) =>
    isNear(one.time, now, TRIAL) && isCounted(one) && isTrial(one, sent.slice(0, at), hold);
  if (isFresh || sent.some(isRecentTrial)) return true;
  // Those that failed for whatever reason have trials of their own, so that the others need not wait for them.
  const hasFailed = sent.some(
    ({ user, refusal, answeredStep = 0 }) =>
      user === refused.user && refusal !== undefined && answeredStep >= hold.since.step,
  );
  const trials = sent.filter(({ grant, step }) => grant !== 'probe' && step >= hold.since.step);
  // A connection with a fault of its own has one trial in five minutes, so that it does not use up those of the others.
  const hadOwnTrial = trials.some(({ user, time }) => user === refused.user && isNear(time, now, HOLD));
  return hasFailed && (hadOwnTrial || trials.some((one) => isNear(one.time, now, FAILING_TRIAL) && isCounted(one)));
}

/** Sent while the subject was held, by a connection that had not failed since. Of the step in which the hold began the order is not known. */
function isTrial(entry: Entry, before: readonly Entry[], { since }: HeldByLog): boolean {
  if (entry.step < since.step || entry.grant === 'probe') return false;
  return !before.some((one) => {
    const isSince = one === since || (one.step > since.step && one.step < entry.step);
    return isSince && one.grant !== 'probe' && one.user === entry.user && one.refusal !== undefined;
  });
}

function isUnavailable(here: readonly Entry[], now: number): boolean {
  const unanswered = here.filter(({ meaning }) => meaning?.kind === 'transient');
  return unanswered.length >= 3 && unanswered.some(({ time }) => isNear(time, now, LONGEST_PAUSE + SECOND));
}

function isNear(time: number, now: number, duration: Duration): boolean {
  return Math.abs(now - time) < duration;
}

/** By the vault's clock, and in truth: a clock that was set back may make a grant look older. */
function isRecent(entry: Entry, later: Entry, duration: Duration): boolean {
  return isNear(entry.time, later.time, duration) && isNear(entry.elapsed, later.elapsed, duration);
}

/** Of one step the order is not known, so a success refutes only what was sent in a step before. */
function isRefuted(failure: Entry, entries: readonly Entry[], refutes: (entry: Entry) => boolean): boolean {
  return entries.some((entry) => entry.step > failure.step && refutes(entry));
}

const isGrant = (entry: Entry) => entry.refusal === undefined;
const isOrdinary = ({ grant, hasClaims }: Entry) => grant === 'refresh' && !hasClaims;
const AFTER_AUTHENTICATION = new Set(['reauthorize', 'consent', 'blocked', 'ambiguous']);

function credentialsHold(known: Known, answered: readonly Entry[], entries: readonly Entry[]): HeldByLog | undefined {
  const evidence = known.credentials.map((credential) => {
    const ofIt = entries.filter((entry) => entry.credential === credential);
    const uses = answered.filter((entry) => entry.credential === credential);
    const clears = (entry: Entry) => isGrant(entry) || AFTER_AUTHENTICATION.has(entry.meaning?.kind ?? '');
    return ofIt.find((entry) => {
      if (entry.meaning?.kind !== 'app_credential' || isRefuted(entry, ofIt, clears)) return false;
      if (entry.grant === 'probe') return true;
      const counts = isOrdinary(entry) || entry.grant === 'code' || entry.grant === 'app';
      return counts && !uses.some((other) => isGrantToAnother(other, entry, RECENT_USE));
    });
  });
  const found = evidence.filter((entry) => entry !== undefined);
  const since = found.toSorted((one, other) => one.step - other.step)[0];
  if (since === undefined || found.length < evidence.length) return undefined;
  return {
    name: 'every credential is rejected',
    since,
    isConcerned: () => true,
    confirms: ({ meaning }) => meaning?.kind === 'app_credential' || meaning?.subject === 'app',
  };
}

/** Before the failure, within this time, to another connection. */
function isGrantToAnother(entry: Entry, failure: Entry, duration: Duration): boolean {
  return (
    isGrant(entry) &&
    entry.grant === 'refresh' &&
    entry.user !== failure.user &&
    entry.step < failure.step &&
    (entry.answeredStep ?? Infinity) < failure.step &&
    isRecent(entry, failure, duration)
  );
}

function appHold(known: Known, entries: readonly Entry[]): HeldByLog | undefined {
  const failures = entries.filter(
    (entry) => entry.meaning?.subject === 'app' && (isOrdinary(entry) || entry.grant === 'probe'),
  );
  const valid = failures.filter((failure) => !isRefuted(failure, entries, isGrant));
  const since = valid.find((one) => {
    if (one.grant === 'probe') return true;
    return valid.some((other) => isSecondDirectory(one, other, known, entries));
  });
  if (since === undefined) return undefined;
  return {
    name: 'the app is held',
    since,
    isConcerned: () => true,
    confirms: ({ meaning }) => meaning?.kind === 'app_credential' || meaning?.subject === 'app',
  };
}

function isSecondDirectory(one: Entry, other: Entry, known: Known, entries: readonly Entry[]): boolean {
  if (one.refusal === undefined || other.refusal === undefined || one.refusal.code !== other.refusal.code) return false;
  if (one.directory === other.directory || one.directory === undefined || other.directory === undefined) return false;
  const later = one.step > other.step ? one : other;
  const worksElsewhere = entries.some(
    (entry) => isGrant(entry) && entry.step < later.step && isRecent(entry, later, RECENT_GRANT),
  );
  return !worksElsewhere && isOfTwoTenants([one, other], known, entries, later);
}

function directoryHold(
  { directory }: Refused,
  known: Known,
  answered: readonly Entry[],
  remembered: readonly Entry[],
): HeldByLog | undefined {
  return placeHold({
    name: 'the directory is held',
    isHere: (entry) => entry.directory === directory,
    isKnown: ({ meaning }) => meaning?.subject === 'directory',
    known,
    answered,
    remembered,
  });
}

function resourceHold(
  { directory, resource }: Refused,
  known: Known,
  answered: readonly Entry[],
  remembered: readonly Entry[],
): HeldByLog | undefined {
  return placeHold({
    name: 'the resource is held in the directory',
    isHere: (entry) => entry.directory === directory && entry.resource === resource,
    isKnown: ({ meaning }) => meaning?.subject === 'resource_in_directory',
    known,
    answered,
    remembered,
  });
}

function placeHold(place: {
  readonly name: string;
  readonly isHere: (entry: Entry) => boolean;
  readonly isKnown: (entry: Entry) => boolean;
  readonly known: Known;
  readonly answered: readonly Entry[];
  readonly remembered: readonly Entry[];
}): HeldByLog | undefined {
  const { isHere, isKnown } = place;
  const all = place.answered.filter(isHere);
  const entries = place.remembered.filter(isHere);
  const failures = entries.filter((entry) => !isGrant(entry) && (isOrdinary(entry) || entry.grant === 'probe'));
  const valid = failures.filter((failure) => !isRefuted(failure, entries, isGrant));
  const alike = (failure: Entry) =>
    valid.filter(
      (other) =>
        isOrdinary(other) &&
        other.step <= failure.step &&
        isNear(other.time, failure.time, ALIKE) &&
        other.refusal !== undefined &&
        failure.refusal !== undefined &&
        isAlike(other.refusal, failure.refusal),
    );
  const isEvidence = (failure: Entry) => {
    if (isKnown(failure) && failure.grant === 'probe') return true;
    if (!isOrdinary(failure)) return false;
    const like = alike(failure);
    if (!isOfTwoTenants(like, place.known, entries, failure)) return false;
    if (isKnown(failure) && !all.some((other) => isGrantToAnother(other, failure, RECENT_GRANT))) return true;
    return new Set(like.map(({ user }) => user)).size >= FEWEST_ALIKE;
  };
  const since = valid.find(isEvidence);
  if (since === undefined) return undefined;
  const { refusal } = since;
  return {
    name: place.name,
    since,
    isConcerned: isHere,
    confirms: (entry) =>
      isKnown(entry) || (entry.refusal !== undefined && refusal !== undefined && isAlike(entry.refusal, refusal)),
  };
}

/** Where two tenants asked there before, the evidence must come from two. */
function isOfTwoTenants(evidence: readonly Entry[], known: Known, entries: readonly Entry[], last: Entry): boolean {
  const users = entries.filter(({ grant, step }) => grant === 'refresh' && step < last.step);
  const tenants = new Set(users.map(({ tenant }) => tenant));
  return known.forgetsTenants || tenants.size < 2 || new Set(evidence.map(({ tenant }) => tenant)).size >= 2;
}
