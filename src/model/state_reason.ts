import type { Timestamp } from './clock.ts';
import type { Reason } from './errors.ts';

/** Why a resource is in its state; an operator can give it to Microsoft's support. */
export interface StateReason {
  readonly reason: Reason;
  /** Entra's codes alone, such as `invalid_grant/AADSTS50173`; never its description, which may name people. */
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  readonly time: Timestamp;
  /** The refusals were ambiguous and may pass: the refresh token may still be valid, so VerifyConnection redeems it once more. */
  readonly mayPass?: true | undefined;
}
