import type { Timestamp } from '../model/clock.ts';

/** Why there is no JSON to read. */
export type TransportFault = 'timeout' | 'closed' | 'too_large' | 'not_json' | 'redirect';

/** What came back from the token endpoint, before anybody interprets it. */
export interface RawTokenResponse {
  /** Undefined: no status line arrived. */
  readonly status: number | undefined;
  /** The header as it came: seconds or a date. */
  readonly retryAfter: string | undefined;
  /** The sender's clock, by which a Retry-After date is meant. */
  readonly date: string | undefined;
  /** A JSON object; undefined with a fault. Holds secrets: never logged. */
  readonly body: Readonly<Record<string, unknown>> | undefined;
  readonly fault: TransportFault | undefined;
  /** When the request left: `expires_in` counts from here. */
  readonly sendTime: Timestamp;
  /** Ours, sent as `client-request-id`. */
  readonly correlationId: string;
}
