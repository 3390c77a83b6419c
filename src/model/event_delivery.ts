import type { Timestamp } from './clock.ts';
import type { StoredEvent } from './vault_event.ts';

/** A pending delivery of an event to a sink, or a dead letter. */
export interface Delivery extends StoredEvent {
  readonly sinkId: string;
  readonly attempts: number;
  /** Of the last attempt: `HTTP 500`, `timeout`, `redirect`. Never a body. */
  readonly lastError: string | undefined;
  /** When it is attempted first. */
  readonly createTime: Timestamp;
  /** Undefined: a dead letter. */
  readonly nextTime: Timestamp | undefined;
  readonly deadLetterTime: Timestamp | undefined;
}
