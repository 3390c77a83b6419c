import type { Timestamp } from './clock.ts';
import type { Reason } from './errors.ts';

/** Why something is in the state it is in, so that an operator can take it to Microsoft. */
export interface StateReason {
  readonly reason: Reason;
  /** Entra's codes alone, such as `invalid_grant/AADSTS50173`; never its description, which may name people. */
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  readonly time: Timestamp;
  /** The answers were doubtful and may pass: the refresh token may still be sound, so VerifyConnection redeems it once more. */
  readonly mayPass?: true | undefined;
}
