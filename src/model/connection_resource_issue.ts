import { DAY, type Duration, MINUTE, SECOND, type Timestamp, timeLeft } from './clock.ts';
import type { StateReason } from './state_reason.ts';

/** Whether one resource of a connection is served, and if not, who must act. */
export type ResourceState = 'ACTIVE' | 'CONSENT_REQUIRED' | 'REAUTHORIZATION_REQUIRED' | 'BLOCKED';

/** Entra refuses one resource of a connection whose grant is sound. A resource without an issue is served. */
export interface ResourceIssue {
  /** ACTIVE: after the first of two ambiguous refusals, which does not count yet. */
  readonly state: ResourceState;
  /** The latest response that justifies the state. */
  readonly evidence: StateReason;
  /** When the resource entered the state. */
  readonly startTime: Timestamp;
  /** Until then Entra is not called for this resource. */
  readonly retryTime: Timestamp;
  /** Permissions to request while none is known to be granted. */
  readonly requested: readonly string[] | undefined;
}

/** By canonical resource URI. */
export type ResourceIssues = Readonly<Record<string, ResourceIssue>>;

/** Between the first ambiguous refusal and the one that counts. */
export const SUSPECT_INTERVAL: Duration = 60 * SECOND;

/** Between two attempts for a resource that a policy blocks, or whose user must sign in again. */
export const REFUSED_INTERVAL: Duration = DAY;

const CONSENT_SHORTEST_PAUSE: Duration = MINUTE;
const CONSENT_LONGEST_PAUSE: Duration = DAY;

/**
 * Consent takes a while to reach all of Entra, and can be given in the directory at any time later. So the pauses start short and
 * grow with the time that the consent is missing.
 */
export function consentPause(missingFor: Duration): Duration {
  return Math.min(Math.max(4 * missingFor, CONSENT_SHORTEST_PAUSE), CONSENT_LONGEST_PAUSE);
}

/** How long Entra is not called for this resource; 0: it may be called. */
export function resourceCooldownRemaining(issue: ResourceIssue | undefined, now: Timestamp): Duration {
  if (issue === undefined) return 0;
  return timeLeft(issue.retryTime, now, issue.state === 'ACTIVE' ? SUSPECT_INTERVAL : REFUSED_INTERVAL);
}
