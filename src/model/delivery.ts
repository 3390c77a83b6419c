import type { Timestamp } from './clock.ts';
import type { StoredEvent } from './event.ts';

/** An event on its way to a sink. */
export interface Delivery extends StoredEvent {
  readonly sinkId: string;
  readonly attempts: number;
  /** Of the last try: `HTTP 500`, `timeout`, `redirect`. Never a body. */
  readonly lastError: string | undefined;
  /** When it was first tried, or will be. */
  readonly createTime: Timestamp;
  /** Undefined: a dead letter. */
  readonly nextTime: Timestamp | undefined;
  readonly deadLetterTime: Timestamp | undefined;
}
