import { DAY, type Duration, HOUR, type Timestamp } from './clock.ts';
import type { Severity } from './event.ts';
import type { Rotation, RotationProblem } from './rotation.ts';

export interface ProblemToReport {
  readonly problem: RotationProblem;
  readonly severity: Severity;
}

export interface FoundProblem {
  readonly problem: RotationProblem['kind'];
  readonly code?: string | undefined;
  readonly permission?: string | undefined;
  readonly hints?: readonly string[] | undefined;
}

/** An outage that is shorter is nobody's business: there are weeks left. */
const OUTAGE_REPORTED_AFTER: Duration = 6 * HOUR;
const URGENT: Duration = 14 * DAY;

/** A step that could not be done. Each problem is told once, and again when it becomes another one or more urgent. */
export function problemToReport(
  rotation: Rotation,
  found: FoundProblem,
  { now, oldEnd }: { readonly now: Timestamp; readonly oldEnd: Timestamp | undefined },
  wait: Duration,
): { readonly after: Rotation; readonly tell: ProblemToReport | undefined } {
  const problem = problemOf(rotation.problem, found, now);
  const severityAt = (time: Timestamp) => severityOf(rotation, problem.kind, oldEnd, time);
  const isRipe = problem.kind !== 'UNAVAILABLE' || now - problem.time >= OUTAGE_REPORTED_AFTER;
  const isUnreported = problem.reportedTime === undefined || severityAt(problem.reportedTime) !== severityAt(now);
  const told = isRipe && isUnreported ? { ...problem, reportedTime: now } : problem;
  return {
    after: { ...rotation, problem: told, failures: rotation.failures + 1, nextTime: now + wait },
    tell: isRipe && isUnreported ? { problem: told, severity: severityAt(now) } : undefined,
  };
}

function problemOf(before: RotationProblem | undefined, found: FoundProblem, now: Timestamp): RotationProblem {
  const { problem: kind, code, permission, hints } = found;
  // An outage says nothing of what stood in the way before it, and not each of its answers is news.
  const isSame = kind === 'UNAVAILABLE' || (before?.kind === kind && before.code === code);
  // Not from the future, by a clock that was set back since.
  if (before !== undefined && isSame)
    return { ...before, hints: hints ?? before.hints, time: Math.min(before.time, now) };
  return { kind, code, permission, hints, time: now, reportedTime: undefined };
}

/** Near the end of the old one somebody must act at once, unless the new one serves already. */
function severityOf(
  { step }: Rotation,
  kind: RotationProblem['kind'],
  oldEnd: Timestamp | undefined,
  time: Timestamp,
): Severity {
  const needsOld = step === 'ADD' || step === 'PROVE' || kind === 'REFUSED_SECRET';
  return needsOld && oldEnd !== undefined && oldEnd - time <= URGENT ? 'CRITICAL' : 'WARNING';
}
