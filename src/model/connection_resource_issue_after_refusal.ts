import type { Timestamp } from './clock.ts';
import {
  consentPause,
  REFUSED_INTERVAL,
  type ResourceIssue,
  type ResourceState,
  SUSPECT_INTERVAL,
} from './connection_resource_issue.ts';
import type { StateReason } from './state_reason.ts';
import type { Failure } from './token_request_outcome.ts';

/** The resource before the refusal. */
export interface KnownResource {
  readonly issue: ResourceIssue | undefined;
  readonly granted: readonly string[] | undefined;
  /** Requested permissions, if none were ever granted. */
  readonly requested?: readonly string[] | undefined;
}

/** The resource's issue after a refusal with the subject `resource`; the same object if nothing changes. */
export function issueAfter(failure: Failure, known: KnownResource, now: Timestamp): ResourceIssue {
  switch (failure.kind) {
    case 'consent':
      return refused('CONSENT_REQUIRED', failure, known, now);
    case 'blocked':
      return refused('BLOCKED', failure, known, now);
    case 'ambiguous':
      return afterSuspect(failure, known, now);
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

/** One ambiguous refusal does not stop serving the resource; a second one at least a minute later does. */
function afterSuspect(failure: Failure, known: KnownResource, now: Timestamp): ResourceIssue {
  const { issue } = known;
  if (issue !== undefined && issue.state !== 'ACTIVE') {
    // It proves less than what is known already.
    return { ...issue, retryTime: now + pauseOf(issue.state, Math.max(0, now - issue.startTime)) };
  }
  if (issue === undefined || now < issue.startTime) {
    const evidence = stateReasonOf(failure, now);
    const requested = requestedOf(known);
    return { state: 'ACTIVE', evidence, startTime: now, retryTime: now + SUSPECT_INTERVAL, requested };
  }
  if (now < issue.startTime + SUSPECT_INTERVAL) return issue;
  return refused('REAUTHORIZATION_REQUIRED', { ...failure, reason: 'REAUTHORIZATION_REQUIRED' }, known, now);
}
