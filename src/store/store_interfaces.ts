import type { AuditLedger } from '../audit/audit_log_interface.ts';
import type { AccessToken } from '../model/access_token.ts';
import type { AdminConsent } from '../model/admin_consent_request.ts';
import type { Credential, NewCredential } from '../model/app_credential.ts';
import type { AppStateStore } from '../model/app_state_store.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Connection, ConnectionState } from '../model/connection.ts';
import type { Grant } from '../model/connection_grant.ts';
import type { App, AppIds } from '../model/entra_app.ts';
import type { Reason } from '../model/errors.ts';
import type { Logo } from '../model/logo.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Secret } from '../model/secret.ts';
import type { StateReason } from '../model/state_reason.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Authorization, AuthorizationAttempt, AuthorizationProgress } from '../model/user_authorization.ts';
import type {
  DeliveryStore,
  ExpiryStore,
  InspectionStore,
  KekAge,
  LeaseStore,
  OutboxStore,
  RotationStore,
} from './background_store_interfaces.ts';
import type { ContainmentStore } from './containment_store_interface.ts';
import type { ChangeStore, CommitIdStore, ReplicaStore } from './replication_store_interfaces.ts';
import type { RootKeyStore } from './root_key_store_interface.ts';
import type { TenantKeyStore } from './tenant_key_store_interface.ts';
import type { UsageStore } from './usage_store_interface.ts';

/** All rows of the vault. Any method may throw DATABASE_UNAVAILABLE or RECORD_CORRUPT. */
export interface Stores {
  readonly tenants: TenantStore;
  readonly apps: AppStore;
  readonly connections: ConnectionStore;
  readonly grants: GrantStore;
  readonly authorizations: AuthorizationStore;
  readonly adminConsents: AdminConsentStore;
  readonly outbox: OutboxStore;
  readonly expiry: ExpiryStore;
  readonly inspections: InspectionStore;
  readonly rotations: RotationStore;
  readonly appProblems: AppProblemStore;
  readonly deliveries: DeliveryStore;
  readonly leases: LeaseStore;
  readonly changes: ChangeStore;
  readonly replicas: ReplicaStore;
  readonly containments: ContainmentStore;
  readonly usage: UsageStore;
  readonly commitIds: CommitIdStore;
  /** Other processes may use the database at the same time. */
  readonly isShared: boolean;
  readonly rootKeys: RootKeyStore;
  readonly tenantKeys: TenantKeyStore;
  /** The root keys that this process has, as hex; the newer one first. */
  readonly rootKeyIds: readonly string[];
  readonly audit: AuditLedger;
  /** Of the root key in use. */
  kekAge(): Promise<KekAge>;
  /** Remembers that the age of the root key was reported at `days`. */
  kekReminded(kekId: string, days: number): Promise<void>;
  readonly instance: Instance;
  /** What the database is. */
  describe(): Promise<DatabaseFacts>;
  /** Readiness: checks the database files and opens the canary record. */
  check(): Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseFacts {
  readonly product: 'SQLite' | 'PostgreSQL';
  /** Of the library or server. */
  readonly version: string;
  /** The newest migration, such as `0006_replicas`; undefined: one of a newer program. */
  readonly migration: string | undefined;
}

/** Of one copy of a database. */
export interface Instance {
  /** Random; part of the markers of rotations. */
  readonly id: string;
  /** When the database became a copy: its original has the same older rows, and may still be in use; 0: it is not a copy. */
  readonly copyTime: Timestamp;
}

/**
 * Updates are optimistic: pass the object as it was read and as it should become. They increment the version by one.
 * ETAG_MISMATCH if the stored version is another one by then.
 */
export interface TenantStore {
  /** Stores the tenant, its wrapped DEK and, if given, its app and first credential in one commit. TENANT_EXISTS. */
  register(registration: Registration): Promise<void>;
  find(tenantId: string): Promise<Tenant | undefined>;
  /** All tenants, or those named, sorted by id. */
  list(page: PageRequest, tenantIds?: readonly string[]): Promise<Page<Tenant>>;
  update(before: Tenant, after: Tenant): Promise<Tenant>;
  /** The tenants that have labels for rules, or only this one of them. */
  withAccessLabels(tenantUid?: string): Promise<readonly LabelledTenant[]>;
  /**
   * Deletes the tenant with everything that it owns and its events, and shreds its DEK. ETAG_MISMATCH as for updates; APP_IN_USE.
   * A tenant with more than 250 connections or 1,000 events is suspended first, reported by `suspended`, and deleted in several commits.
   * If such a deletion fails, the tenant stays suspended and can be deleted again.
   */
  delete(tenant: Tenant, suspended?: () => void): Promise<void>;
  /** Removes the tenant's keys from memory if another process deleted the tenant, and loads those that it added. */
  refreshKeys(tenantUid: string): Promise<void>;
  countConnections(tenantUid: string): Promise<number>;
  /** Connections of other tenants through this tenant's shared apps. */
  countForeignConnections(tenantUid: string): Promise<number>;
}

export type LabelledTenant = Pick<Tenant, 'uid' | 'tenantId' | 'labels'>;

export type Registration = { readonly tenant: Tenant } & (
  | { readonly app: App; readonly credential: NewCredential | undefined }
  | { readonly app?: undefined; readonly credential?: undefined }
);

/**
 * Every change of an app's credentials, audience, home directory, rotation or suspension makes its inspection due, and so does
 * resuming its tenant. A credential that is the only one of its app when it is added is preferred from then on.
 */
export interface AppStore extends AppStateStore {
  /** APP_EXISTS. `logo` must have the hash that is in `app`. */
  create(app: App, credential: NewCredential | undefined, logo?: Logo | undefined): Promise<void>;
  find(tenantUid: string, appId: string): Promise<App | undefined>;
  findByUid(uid: string): Promise<App | undefined>;
  /** Sorted by (tenant id, app id). */
  list(page: PageRequest, tenantIds?: readonly string[]): Promise<Page<App>>;
  /** Without `logo` the stored one is kept, unless `after` has no logo hash. */
  update(before: App, after: App, logo?: Logo | undefined): Promise<App>;
  /** By its hash. */
  findLogo(hash: string): Promise<Logo | undefined>;
  /** ETAG_MISMATCH as for updates; APP_IN_USE while connections use the app. */
  delete(app: App): Promise<void>;
  countConnections(appUid: string): Promise<number>;
  countForeignConnections(app: App): Promise<number>;
  credentials(appUid: string): Promise<readonly Credential[]>;
  /** Sealed with the DEK of the app's owner. CREDENTIAL_EXISTS. */
  addCredential(app: App, credential: NewCredential): Promise<void>;
  /** False: the app has no credential of that id. */
  removeCredential(appUid: string, credentialId: string): Promise<boolean>;
  /** Credentials' ends, for the metric: the 10,000 soonest, soonest first. Without those that Entra refuses before their end. */
  credentialEnds(now: Timestamp): Promise<readonly CredentialEnd[]>;
}

export interface CredentialEnd {
  readonly tenantId: string;
  readonly appId: string;
  readonly credentialId: string;
  readonly expireTime: Timestamp;
}

/** Apps with problems, for the metrics. Within the limit, tenants take turns, so that each has its share. */
export interface AppProblemStore {
  /** That are not suspended, nor is their tenant. */
  failing(limit: number): Promise<ProblemRows<FailingApp>>;
  /** Rotations that a problem blocks, or that began before that time. */
  unfinishedRotations(before: Timestamp, limit: number): Promise<ProblemRows<UnfinishedRotation>>;
}

export interface ProblemRows<ProblemRow> {
  readonly rows: readonly ProblemRow[];
  /** Without the limit. */
  readonly total: number;
}

export interface FailingApp extends AppIds {
  readonly reason: Reason;
  readonly stateReason: StateReason | undefined;
}

export interface UnfinishedRotation extends AppIds {
  readonly isBlocked: boolean;
  readonly beginTime: Timestamp;
}

export interface ConnectionFilter {
  readonly tenantIds?: readonly string[] | undefined;
  readonly state?: ConnectionState | undefined;
  readonly externalId?: string | undefined;
  /** Found by a keyed blind index; compared without case. */
  readonly username?: string | undefined;
  readonly label?: { readonly key: string; readonly value: string } | undefined;
  /** Compared without case, as is `directoryId`. */
  readonly objectId?: string | undefined;
  readonly directoryId?: string | undefined;
  /** Not served since then, nor created. Times of use are exact to an hour. */
  readonly idleSince?: Timestamp | undefined;
}

/**
 * Creating or deleting a connection, and changing its state, grant, external id or labels, writes a `connection.changed` event to the
 * outbox in the same commit, also in GrantStore and AuthorizationStore. A refresh that changes none of these writes no event.
 */
export interface ConnectionStore {
  find(tenantUid: string, connectionId: string): Promise<Connection | undefined>;
  findByUid(uid: string): Promise<Connection | undefined>;
  /**
   * An external id belongs to one connection of a tenant. Giving it to a second one throws CONNECTION_EXISTS with metadata
   * `field` (`external_id`) and `connection` (name of the holder).
   */
  findByExternalId(tenantUid: string, externalId: string): Promise<Connection | undefined>;
  /** Sorted by (tenant id, connection id). */
  list(page: PageRequest, filter: ConnectionFilter): Promise<Page<Connection>>;
  countByState(): Promise<Readonly<Record<ConnectionState, number>>>;
  /** CONNECTION_EXISTS. */
  create(connection: Connection): Promise<void>;
  /** Changes labels and external id, never the grant. */
  update(before: Connection, after: Connection): Promise<Connection>;
  /** Fences a refresh in progress and deletes stored access tokens. Checks no version, so that it always wins. CONNECTION_NOT_FOUND. */
  setSuspended(connection: Connection, suspendTime: Timestamp | undefined, now: Timestamp): Promise<Connection>;
  /**
   * Fences, and deletes grant, tokens and personal data. CONNECTION_NOT_FOUND if it is deleted already. `isAppSuspended`: other processes
   * know from the suspension of its app that they must not serve it, so no row per connection is written.
   */
  delete(connection: Connection, isAppSuspended?: boolean): Promise<void>;
  /**
   * Replaces the grant (import), fences a refresh in progress and deletes stored access tokens, in one commit.
   * Inserts the connection if `before` is undefined. CONNECTION_EXISTS, ETAG_MISMATCH.
   */
  replaceGrant(before: Connection | undefined, after: Connection, refreshToken: Secret): Promise<Connection>;
  /** Uids of unsuspended connections with a valid grant whose keep-alive is due, by index, most overdue first. */
  dueForKeepAlive(now: Timestamp, limit: number): Promise<readonly string[]>;
  /** Connections with a sound grant that die within `within` unless they are redeemed (75 days idle and more). */
  countNearIdleEnd(now: Timestamp, within: Duration): Promise<number>;
}

/** Leases: one replica at a time may redeem the refresh token of a connection. */
export interface GrantStore {
  /** A stored access token that expires after `endsAfter` and can be opened; otherwise undefined. */
  findAccessToken(
    connection: Pick<Connection, 'uid' | 'tenantUid' | 'tenantId' | 'connectionId'>,
    resource: string,
    endsAfter: Timestamp,
  ): Promise<AccessToken | undefined>;
  /** Undefined: another owner holds the lease, or the connection is deleted. The clock of the database decides, of its process if it has only one. */
  lease(connectionUid: string, request: LeaseRequest): Promise<HeldLease | undefined>;
}

export interface LeaseRequest {
  readonly owner: string;
  readonly resource: string;
  readonly duration: Duration;
  /** The stored access token must expire after it. Default: now. */
  readonly endsAfter?: Timestamp | undefined;
  /**
   * As the caller read it, before it found no stored access token to serve. If its version is still the same, neither
   * the account nor an access token is read and opened again.
   */
  readonly known?: Connection | undefined;
}

/** What may only be done under the lease. `record` and `release` end it. */
export interface HeldLease {
  /** As read under the lease. */
  readonly connection: Connection;
  /** Undefined: never granted. */
  readonly refreshToken: Secret | undefined;
  /** Opens the one before, which is kept for 24 h. */
  previousRefreshToken(): { readonly token: Secret; readonly replacedTime: Timestamp } | undefined;
  /** The stored one for the resource of the lease. Expires after `endsAfter`, by default after now. */
  readonly accessToken: AccessToken | undefined;
  /** One durable commit, fenced by the lease id. `fenced`: the grant was replaced meanwhile, and nothing is written. */
  record(record: RefreshRecord): Promise<'recorded' | 'fenced'>;
  release(): Promise<void>;
}

export interface RefreshRecord {
  /** The connection as the outcome leaves it; its grant side is written (state, evidence, granted, times, holds). */
  readonly connection: Connection;
  /** Replaces the stored one, which becomes the previous; undefined: keep it. */
  readonly refreshToken: Secret | undefined;
  readonly accessToken: AccessToken | undefined;
}

/** Hashes are SHA-256, hex: of handle, state and confirmation only the hash is stored. */
export interface AuthorizationStore {
  /** Stores the connection (if it is new), the authorization and its first attempt in one commit. */
  start(start: {
    readonly connection: Connection | undefined;
    readonly authorization: Authorization;
    readonly handleHash: string;
    readonly attempt: AuthorizationAttempt;
    readonly stateHash: string;
  }): Promise<void>;
  findByHandle(handleHash: string): Promise<Authorization | undefined>;
  findByUid(uid: string): Promise<Authorization | undefined>;
  /** The progress of those that still exist. */
  readProgress(uids: readonly string[]): Promise<readonly AuthorizationProgress[]>;
  /** The authorization of the connection that was started last. */
  findNewest(connectionUid: string): Promise<AuthorizationProgress | undefined>;
  /** STATE_INVALID: the authorization is over. RATE_LIMITED: it already has 100 attempts. */
  addAttempt(attempt: AuthorizationAttempt, stateHash: string): Promise<void>;
  /**
   * Consumes the state, once. The second time is `used`, with the authorization, so that a repeated callback can show the first outcome.
   * `unknown`: also if the authorization was completed by another state.
   */
  useState(stateHash: string, now: Timestamp): Promise<UsedState>;
  /** Stores the sealed grant until it is confirmed. False: the authorization is no longer OPEN. */
  consent(
    authorizationUid: string,
    grant: Grant,
    confirmationHash: string | undefined,
    confirmationExpireTime: Timestamp,
  ): Promise<boolean>;
  /** The unconfirmed grant, if the confirmation belongs to this connection and has not expired. */
  findConsented(
    connectionUid: string,
    confirmationHash: string,
    now: Timestamp,
  ): Promise<{ authorization: Authorization; grant: Grant } | undefined>;
  /** Replaces the grant (fencing, deleting tokens) and completes the authorization in one commit. ETAG_MISMATCH. */
  confirm(authorization: Authorization, before: Connection, after: Connection, grant: Grant): Promise<Connection>;
  fail(authorizationUid: string, failure: Reason): Promise<void>;
  /** False: the authorization is no longer OPEN. */
  cancel(authorizationUid: string): Promise<boolean>;
  /** Deletes up to `limit` rows that expired before `time`; returns how many. */
  sweep(time: Timestamp, limit: number): Promise<number>;
}

/** Hashes are SHA-256, hex. */
export interface AdminConsentStore {
  /** TENANT_NOT_FOUND, APP_NOT_FOUND: was deleted meanwhile. */
  start(consent: AdminConsent, handleHash: string, state: MintedState | undefined): Promise<void>;
  findByHandle(handleHash: string): Promise<AdminConsent | undefined>;
  /** For a press of the button: replaces the state. STATE_INVALID: the admin consent is over. RATE_LIMITED: 100 presses. */
  renewState(uid: string, state: MintedState): Promise<void>;
  /** Consumes the state, once. The second time is `used`, so that a repeated callback can show the first outcome. */
  useState(stateHash: string, now: Timestamp): Promise<UsedConsentState>;
  /** Completes the admin consent; its link is no longer valid. */
  grant(consent: Pick<AdminConsent, 'uid' | 'appUid'>): Promise<void>;
  /** Deletes up to `limit` rows that expired before `time`; returns how many. */
  sweep(time: Timestamp, limit: number): Promise<number>;
}

export interface MintedState {
  readonly stateHash: string;
  readonly expireTime: Timestamp;
}

export type UsedConsentState =
  | { readonly kind: 'fresh' | 'used'; readonly consent: AdminConsent }
  | { readonly kind: 'unknown' };

export type UsedState =
  | { readonly kind: 'fresh'; readonly authorization: Authorization; readonly attempt: AuthorizationAttempt }
  | { readonly kind: 'used'; readonly authorization: Authorization }
  | { readonly kind: 'unknown' };
