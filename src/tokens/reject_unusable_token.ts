import { type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import { newFailure, type Outcome } from '../model/token_request_outcome.ts';

const ENTRA_ERROR = 'http/200/expires_in';
const RETRY_AFTER: Duration = 30 * SECOND;

/**
 * Treats a granted token that has expired already as a failure: its `expires_in` is 0, missing, or more than Entra ever returns.
 * Entra is at fault, and recovers. Such a token must not replace a valid one.
 */
export function rejectUnusableToken(outcome: Outcome, now: Timestamp): Outcome {
  if (outcome.kind !== 'granted' || outcome.accessToken.expireTime > now) return outcome;
  const { correlationId } = outcome.accessToken;
  const facts = { entraError: ENTRA_ERROR, correlationId, retryAfter: RETRY_AFTER };
  return newFailure('transient', 'entra', 'ENTRA_UNAVAILABLE', facts);
}

export function isUnusableTokenError(error: unknown): error is VaultError {
  return isVaultError(error, 'ENTRA_UNAVAILABLE') && error.metadata['entraError'] === ENTRA_ERROR;
}
