import type { Clock } from '../../model/clock.ts';
import { createSecondCap } from '../../model/second_cap.ts';

/** How often somebody without a valid key is written down. */
export interface AuditLimit {
  /** Whether this one is written; the others are counted by the metrics alone. */
  isWritten(): boolean;
}

const MOST_A_SECOND = 20;

/**
 * A full audit disk stops every token, so whoever needs no key to knock must not be able to fill it. Denials of known callers
 * are all written.
 */
export function createAuditLimit(clock: Clock): AuditLimit {
  return { isWritten: createSecondCap(clock, MOST_A_SECOND) };
}
