import type { Duration } from '../../model/clock.ts';

/** Permission to send requests to Entra, one at a time. */
export interface Slot {
  /** `unrecognized`: an unknown response, which says nothing about Entra's health. */
  report(result: 'answered' | 'unanswered' | 'unrecognized' | { readonly throttledFor: Duration }): void;
  /** Whether a retry may be sent now; spends a retry token. */
  mayRetry(): boolean;
  release(): void;
}
