import { type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import type { Outcome } from '../model/exchange.ts';

const ENTRA_ERROR = 'http/200/expires_in';
const RETRY_AFTER: Duration = 30 * SECOND;

/**
 * A granted token without any life left is a failure: its `expires_in` is 0, missing, or beyond what Entra ever gives.
 * Entra is at fault, and recovers; such a token must not replace one that is valid.
 */
export function rejectUnusableToken(outcome: Outcome, now: Timestamp): Outcome {
  if (outcome.kind !== 'granted' || outcome.accessToken.expireTime > now) return outcome;
  return {
    kind: 'transient',
    subject: 'entra',
    reason: 'ENTRA_UNAVAILABLE',
    entraError: ENTRA_ERROR,
    correlationId: outcome.accessToken.correlationId,
    retryAfter: RETRY_AFTER,
    claims: undefined,
  };
}

export function isUnusableTokenError(error: unknown): error is VaultError {
  return isVaultError(error, 'ENTRA_UNAVAILABLE') && error.metadata['entraError'] === ENTRA_ERROR;
}
