import type { AppState } from './app.ts';
import type { Timestamp } from './clock.ts';
import type { ConnectionState } from './connection.ts';
import type { CredentialKind } from './credential.ts';
import type { Reason } from './errors.ts';

/** Something happened that others may want to be told. Written in the commit of what happened, so that neither is there without the other. */
export type VaultEvent = EventBody & {
  /** The same however often it is told, and stored once: what is told once for a cause is made of the cause (`eventUidOf`), so that two replicas cannot both tell it. */
  readonly uid: string;
  readonly severity: Severity;
  /** `''`: it is about the vault itself. */
  readonly tenantUid: string;
  readonly tenantId: string;
  /** Name of the resource: `tenants/acme/connections/ada`. */
  readonly subject: string;
  readonly time: Timestamp;
};

/** How soon somebody must act: not at all, within days, now. */
export type Severity = 'INFO' | 'WARNING' | 'CRITICAL';

/** No secret and no personal data: events leave the vault, and outlive what they tell of. docs/events.md describes each to its receivers. */
export type EventBody =
  | { readonly type: 'connection.changed'; readonly data: ConnectionChanged }
  | { readonly type: 'connection.idle_ending'; readonly data: ConnectionIdleEnding }
  | { readonly type: 'credential.expiring'; readonly data: CredentialEnding }
  | { readonly type: 'credential.expired'; readonly data: CredentialEnding }
  /** What was said of its end and what Entra has differ. */
  | { readonly type: 'credential.end_differs'; readonly data: CredentialEndDiffers }
  /** Somebody added a credential at Entra that the vault does not know. */
  | { readonly type: 'credential.unknown'; readonly data: CredentialUnknown }
  /** The preferred one was refused, and another served. */
  | { readonly type: 'credential.fell_back'; readonly data: CredentialFellBack }
  | { readonly type: 'credential.rotated'; readonly data: CredentialRotated }
  /** The vault may not, or cannot, renew it: somebody must. */
  | { readonly type: 'credential.rotation_failed'; readonly data: CredentialRotated }
  | { readonly type: 'app.state_changed'; readonly data: AppStateChanged }
  /** Something of the vault's own: a KEK, a TLS certificate, a caller's API key. */
  | { readonly type: 'vault.ending'; readonly data: VaultEnding };

export type EventType = EventBody['type'];
export type EventData = EventBody['data'];

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

export interface ConnectionIdleEnding {
  readonly connectionUid: string;
  readonly externalId: string | undefined;
  readonly idleExpireTime: Timestamp;
}

export interface CredentialEnding {
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  /** Application (client) id. */
  readonly clientId: string;
  readonly kind: CredentialKind;
  readonly hint: string;
  readonly expireTime: Timestamp;
  /** Days before the end that this is the reminder of; 0: it has ended. */
  readonly thresholdDays: number;
  /** Another credential of the app lives on beyond it: `true`. */
  readonly covered: boolean;
}

export interface CredentialEndDiffers {
  readonly app: string;
  readonly saidExpireTime: Timestamp | undefined;
  readonly entraExpireTime: Timestamp;
}

export interface CredentialUnknown {
  readonly app: string;
  readonly clientId: string;
  readonly entraKeyId: string;
  readonly hint: string | undefined;
  readonly expireTime: Timestamp | undefined;
}

export interface CredentialFellBack {
  readonly app: string;
  /** Id of the one that was refused, and of the one that served. */
  readonly refused: string;
  readonly served: string;
  readonly entraError: string | undefined;
}

export interface CredentialRotated {
  readonly app: string;
  readonly step: RotationStep;
  /** Id of the one that goes, and of the one that comes. */
  readonly before: string;
  readonly after: string | undefined;
  /** What to do, where somebody must: the permission to grant. */
  readonly problem: string | undefined;
}

export type RotationStep = 'ADD' | 'PROVE' | 'WATCH' | 'REMOVE' | 'DONE';

export interface AppStateChanged {
  readonly state: AppState;
  readonly previousState: AppState;
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
}

export interface VaultEnding {
  readonly kind: 'KEK' | 'TLS_CERTIFICATE' | 'API_KEY';
  /** Undefined: it is old, rather than near its end (a KEK). */
  readonly expireTime: Timestamp | undefined;
  readonly thresholdDays: number;
}

/** An event with its place in the order of telling. */
export interface StoredEvent {
  /** Grows; the cursor after which to go on. */
  readonly sequence: number;
  readonly event: VaultEvent;
}
