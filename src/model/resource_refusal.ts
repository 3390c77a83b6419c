import type { Timestamp } from './clock.ts';
import type { Failure } from './exchange.ts';
import {
  consentPause,
  REFUSED_INTERVAL,
  type ResourceIssue,
  type ResourceState,
  STRIKE_INTERVAL,
} from './resource_issue.ts';
import type { StateReason } from './state_reason.ts';

/** What is known of the resource before the refusal. */
export interface KnownResource {
  readonly issue: ResourceIssue | undefined;
  readonly granted: readonly string[] | undefined;
  /** What was asked for, if nothing was ever granted. */
  readonly requested?: readonly string[] | undefined;
}

/** The resource's issue after a refusal with the subject `resource`; the same object if nothing changes. */
export function issueAfter(failure: Failure, known: KnownResource, now: Timestamp): ResourceIssue {
  switch (failure.kind) {
    case 'consent':
      return refused('CONSENT_REQUIRED', failure, known, now);
    case 'blocked':
      return refused('BLOCKED', failure, known, now);
    case 'suspect':
      return afterStrike(failure, known, now);
    default:
      return refused('REAUTHORIZATION_REQUIRED', failure, known, now);
  }
}

export function stateReasonOf(failure: Failure, now: Timestamp): StateReason {
  const { reason, entraError, correlationId } = failure;
  return { reason, entraError, correlationId, time: now };
}

function refused(state: ResourceState, failure: Failure, known: KnownResource, now: Timestamp): ResourceIssue {
  const { issue, granted } = known;
  // A start in the future dates from before the clock was set back.
  const startTime = issue?.state === state && issue.startTime <= now ? issue.startTime : now;
  return {
    state,
    evidence: stateReasonOf(failure, now),
    startTime,
    retryTime: now + pauseOf(state, now - startTime),
    requested: state === 'CONSENT_REQUIRED' ? (granted ?? requestedOf(known)) : requestedOf(known),
  };
}

function requestedOf({ requested, issue }: KnownResource): readonly string[] | undefined {
  return requested ?? issue?.requested;
}

function pauseOf(state: ResourceState, age: number) {
  return state === 'CONSENT_REQUIRED' ? consentPause(age) : REFUSED_INTERVAL;
}

/** One doubtful refusal is no reason to stop serving the resource; a second one at least a minute later is. */
function afterStrike(failure: Failure, known: KnownResource, now: Timestamp): ResourceIssue {
  const { issue } = known;
  if (issue !== undefined && issue.state !== 'ACTIVE') {
    // It says less than what is known already.
    return { ...issue, retryTime: now + pauseOf(issue.state, Math.max(0, now - issue.startTime)) };
  }
  if (issue === undefined || now < issue.startTime) {
    const evidence = stateReasonOf(failure, now);
    const requested = requestedOf(known);
    return { state: 'ACTIVE', evidence, startTime: now, retryTime: now + STRIKE_INTERVAL, requested };
  }
  if (now < issue.startTime + STRIKE_INTERVAL) return issue;
  return refused('REAUTHORIZATION_REQUIRED', { ...failure, reason: 'REAUTHORIZATION_REQUIRED' }, known, now);
}
