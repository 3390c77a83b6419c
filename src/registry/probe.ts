import type { Timestamp } from '../model/clock.ts';
import type { Reason } from '../model/errors.ts';

/** What came of presenting a credential to Entra, in the words of the API. */
export interface ProbeReport {
  readonly credentialId: string;
  /** SKIPPED: no directory to ask, or nothing stored to present. UNKNOWN: no answer could be had. */
  readonly outcome: 'ACCEPTED' | 'REJECTED' | 'PROPAGATING' | 'UNKNOWN' | 'SKIPPED';
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
  readonly correlationId: string | undefined;
  /** One sentence: what happened and what to do next. */
  readonly message: string;
  readonly time: Timestamp;
}
