import type { CredentialKind } from './app_credential.ts';
import type { Timestamp } from './clock.ts';
import type { ConnectionState } from './connection.ts';
import type { ResourceState } from './connection_resource_issue.ts';
import type { AppState } from './entra_app.ts';
import type { Reason } from './errors.ts';
import type { RotationProblem, RotationStep } from './secret_rotation.ts';

/** An event of the transactional outbox: written in the same commit as the change that it reports. */
export type VaultEvent = EventBody & {
  /** Random; the same for every delivery. */
  readonly uid: string;
  /**
   * Such as `credential.expiring/{expireTime}/{days}/{uid}`. An event is stored once for each key, whichever replica publishes it.
   * Undefined: no deduplication.
   */
  readonly dedupeKey: string | undefined;
  readonly severity: Severity;
  /** `''`: it is about the vault itself. */
  readonly tenantUid: string;
  readonly tenantId: string;
  /** Name of the resource: `tenants/acme/connections/ada`. */
  readonly subject: string;
  readonly time: Timestamp;
};

/** How soon an operator must act: not at all, within days, now. */
export type Severity = 'INFO' | 'WARNING' | 'CRITICAL';

/**
 * No secret and no personal data: events leave the vault, and are kept after their subject is deleted. docs/events.md
 * describes each to its receivers.
 */
export type EventBody =
  | { readonly type: 'connection.changed'; readonly data: ConnectionChanged }
  | { readonly type: 'connection.idle_expiring'; readonly data: ConnectionIdleExpiring }
  | { readonly type: 'credential.expiring'; readonly data: CredentialExpiring }
  | { readonly type: 'credential.expired'; readonly data: CredentialExpiring }
  /** Entra refuses it, at an exchange or a probe. If another one is used instead, only this event shows it. */
  | { readonly type: 'credential.rejected'; readonly data: CredentialRejected }
  /** The app registration has another expiry than the one that was configured. */
  | { readonly type: 'credential.expiry_mismatch'; readonly data: CredentialExpiryMismatch }
  /** The app registration has a credential that the vault does not know. */
  | { readonly type: 'credential.unknown'; readonly data: CredentialUnknown }
  | { readonly type: 'credential.rotating'; readonly data: CredentialRotating }
  | { readonly type: 'credential.rotation_failed'; readonly data: RotationFailed }
  | { readonly type: 'app.state_changed'; readonly data: AppStateChanged }
  /** A TLS certificate of the vault, or an API key of a caller. */
  | { readonly type: 'vault.credential_expiring'; readonly data: VaultCredentialExpiring }
  /** Once for each year that the root key has been in use. */
  | { readonly type: 'vault.root_key_rotation_due'; readonly data: RootKeyRotationDue };

export type EventType = EventBody['type'];
export type EventData = EventBody['data'];

export interface ConnectionChanged {
  /**
   * `CREATED`, `GRANTED` (a new grant), `STATE` (a refresh changed the state, or an operator did),
   * `RENAMED` (external id or labels), `DELETED`.
   */
  readonly change: 'CREATED' | 'GRANTED' | 'STATE' | 'RENAMED' | 'DELETED';
  readonly connectionUid: string;
  readonly externalId: string | undefined;
  /** Undefined: it was deleted. */
  readonly state: ConnectionState | undefined;
  /** Undefined: it is new. */
  readonly previousState: ConnectionState | undefined;
  /** Why it is in a state other than ACTIVE or PENDING. */
  readonly reason: Reason | undefined;
  /** The resource whose own state changed, its new state, and the reason unless it is ACTIVE. */
  readonly resource: string | undefined;
  readonly resourceState: ResourceState | undefined;
  readonly resourceReason: Reason | undefined;
}

export interface ConnectionIdleExpiring {
  readonly connectionUid: string;
  readonly externalId: string | undefined;
  readonly idleExpireTime: Timestamp;
}

/** The app of the event's credentials. */
interface AppFacts {
  /** `tenants/{tenant}/apps/{app}` */
  readonly app: string;
  /** Application (client) id. */
  readonly clientId: string;
}

interface CredentialFacts extends AppFacts {
  readonly kind: CredentialKind;
  readonly hint: string;
}

export interface CredentialExpiring extends CredentialFacts {
  readonly expireTime: Timestamp;
  /** Days before the end that this is the reminder of; 0: it has ended. */
  readonly thresholdDays: number;
  /** Another credential of the app lives on beyond it: `true`. */
  readonly covered: boolean;
}

export interface CredentialRejected extends CredentialFacts {
  readonly entraError: string | undefined;
  /** Id of the credential that is used instead; undefined: none. */
  readonly fallback: string | undefined;
}

export interface CredentialExpiryMismatch extends CredentialFacts {
  readonly configuredExpireTime: Timestamp;
  readonly entraExpireTime: Timestamp;
}

export interface CredentialUnknown {
  readonly clientId: string;
  readonly kind: 'CLIENT_SECRET' | 'CERTIFICATE';
  /** Graph's id of it, for the portal and for `removePassword`. */
  readonly keyId: string;
  /** First 3 characters of a secret, SHA-1 thumbprint of a certificate. */
  readonly hint: string | undefined;
  readonly expireTime: Timestamp | undefined;
  /** A rotation that was cut off made it, and the vault could not remove it. */
  readonly orphan: boolean;
}

export interface CredentialRotating extends AppFacts {
  /** What was done: a new secret added, preferred, the old one removed. */
  readonly step: 'ADDED' | 'PREFERRED' | 'REMOVED';
  readonly oldCredential: string;
  readonly newCredential: string;
  /** Of the new one. */
  readonly expireTime: Timestamp | undefined;
}

export interface RotationFailed extends AppFacts {
  readonly step: RotationStep;
  readonly problem: RotationProblem['kind'];
  readonly code: string | undefined;
  /** The application permission on Microsoft Graph to grant to the app. */
  readonly permission: string | undefined;
  /** Of the secrets that leave no place for another one, as the portal shows them. */
  readonly hints?: readonly string[] | undefined;
  readonly oldCredential: string;
  /** When the old one ends. */
  readonly expireTime: Timestamp | undefined;
}

export interface AppStateChanged {
  readonly state: AppState;
  readonly previousState: AppState;
  readonly reason: Reason | undefined;
  readonly entraError: string | undefined;
}

export interface VaultCredentialExpiring {
  readonly kind: 'TLS_CERTIFICATE' | 'API_KEY';
  readonly expireTime: Timestamp;
  /** The reminder threshold that was passed, in days before the expiry; 0: it has expired. */
  readonly thresholdDays: number;
}

export interface RootKeyRotationDue {
  /** Full years since the vault first used the key, in days. */
  readonly ageDays: number;
}

/** An event with its position in the outbox. */
export interface StoredEvent {
  /** Identifies its row. */
  readonly sequence: number;
  /** Its position, which grows in the order in which events become visible: the cursor after which to go on. */
  readonly number: number;
  readonly event: VaultEvent;
}
