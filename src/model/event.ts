import type { Timestamp } from './clock.ts';
import type { ConnectionState } from './connection.ts';
import type { Reason } from './errors.ts';

/** Something happened that others may want to be told. Written in the commit of what happened, so that neither is there without the other. */
export interface VaultEvent {
  /** Random; the same however often it is told. */
  readonly uid: string;
  readonly type: EventType;
  readonly tenantUid: string;
  readonly tenantId: string;
  /** Name of the resource: `tenants/acme/connections/ada`. */
  readonly subject: string;
  readonly time: Timestamp;
  readonly data: ConnectionChanged;
}

export type EventType = 'connection.changed';

/** No personal data: events leave the vault, and outlive the connection. */
export interface ConnectionChanged {
  /** `CREATED`, `GRANTED` (a new grant), `STATE` (a refresh ended otherwise than before, or an operator acted), `RENAMED` (external id or labels), `DELETED`. */
  readonly change: 'CREATED' | 'GRANTED' | 'STATE' | 'RENAMED' | 'DELETED';
  readonly connectionUid: string;
  readonly externalId: string | undefined;
  /** Undefined: it is gone. */
  readonly state: ConnectionState | undefined;
  /** Undefined: it is new. */
  readonly previousState: ConnectionState | undefined;
  /** Why it is in a state other than ACTIVE or PENDING. */
  readonly reason: Reason | undefined;
}

/** An event with its place in the order of telling. */
export interface StoredEvent {
  /** Grows; the cursor after which to go on. */
  readonly sequence: number;
  readonly event: VaultEvent;
}
