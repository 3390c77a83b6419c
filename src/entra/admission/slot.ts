import type { Duration } from '../../model/clock.ts';
import type { Priority } from '../authorization_server.ts';

/** The right to ask Entra, one request after the other. */
export interface Slot {
  /** How Entra took the request. `strange`: an answer that nobody knows, which says nothing of its health. */
  report(answer: 'answered' | 'unanswered' | 'strange' | { readonly throttledFor: Duration }): void;
  /** Whether a second try may leave now; takes it off the budget. */
  mayRetry(): boolean;
  release(): void;
}

export interface SlotRequest {
  readonly appUid: string;
  readonly directory: string;
  /** For whom: each has its share. Default: the app. */
  readonly tenant?: string | undefined;
  readonly priority: Priority;
  readonly signal: AbortSignal | undefined;
}
