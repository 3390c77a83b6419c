import type { Clock } from '../../model/clock.ts';
import { createRateLimitPerSecond } from '../../model/rate_limit_per_second.ts';

const ENTRIES_PER_SECOND = 20;

/**
 * Whether the next unauthenticated call is written to the audit log; further calls count in metrics only. A full audit
 * disk blocks all token requests, so unauthenticated callers must not be able to fill it.
 */
export function createUnauthenticatedAuditLimit(clock: Clock): () => boolean {
  return createRateLimitPerSecond(clock, ENTRIES_PER_SECOND);
}
