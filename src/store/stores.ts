import type { AuditLedger } from '../audit/audit_log.ts';
import type { AccessToken } from '../model/access_token.ts';
import type { AdminConsent } from '../model/admin_consent.ts';
import type { App } from '../model/app.ts';
import type { AppStateStore } from '../model/app_state_store.ts';
import type { Authorization, AuthorizationAttempt } from '../model/authorization.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Connection, ConnectionState } from '../model/connection.ts';
import type { Credential, NewCredential } from '../model/credential.ts';
import type { Reason } from '../model/errors.ts';
import type { Grant } from '../model/grant.ts';
import type { Logo } from '../model/logo.ts';
import type { Page, PageRequest } from '../model/page.ts';
import type { Secret } from '../model/secret.ts';
import type { Tenant } from '../model/tenant.ts';
import type {
  DeliveryStore,
  ExpiryStore,
  InspectionStore,
  KekAge,
  LeaseStore,
  OutboxStore,
  RotationStore,
} from './background_stores.ts';

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
  readonly deliveries: DeliveryStore;
  readonly leases: LeaseStore;
  readonly audit: AuditLedger;
  /** Of the root key in use. */
  kekAge(): Promise<KekAge>;
  /** Of that age of it somebody was told. */
  kekReminded(kekId: string, days: number): Promise<void>;
  /** When this database was first served as a copy of another file, in which all that is older lies too; 0: it is no copy. */
  readonly copyTime: Timestamp;
  /** Opens the canary record and asks the database something: what readiness wants to know. */
  check(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Updates are optimistic: read, change, hand back what was read beside what it becomes.
 * ETAG_MISMATCH when somebody was faster; the version grows by one.
 */
export interface TenantStore {
  /** The tenant and its wrapped DEK, with app and first credential where it has them, in one commit. TENANT_EXISTS. */
  register(registration: Registration): Promise<void>;
  find(tenantId: string): Promise<Tenant | undefined>;
  /** Of all tenants, or of those named. In the order of their ids. */
  list(page: PageRequest, tenantIds?: readonly string[]): Promise<Page<Tenant>>;
  update(before: Tenant, after: Tenant): Promise<Tenant>;
  /**
   * Deletes the tenant with all that it owns and all events of it, and shreds its DEK. ETAG_MISMATCH, as for updates; APP_IN_USE.
   * With more than 250 connections or 1,000 events in several commits, suspended first: then `suspended` is called, and a deletion that
   * fails leaves a suspended tenant, which can be deleted again.
   */
  delete(tenant: Tenant, suspended?: () => void): Promise<void>;
  countConnections(tenantUid: string): Promise<number>;
  /** Connections of other tenants through this tenant's shared apps. */
  countForeignConnections(tenantUid: string): Promise<number>;
}

export type Registration = { readonly tenant: Tenant } & (
  | { readonly app: App; readonly credential: NewCredential | undefined }
  | { readonly app?: undefined; readonly credential?: undefined }
);

/**
 * Whatever changes an app's credentials, or what its inspection goes by (audience, home directory, rotation, suspension), makes the
 * inspection due; so does the resuming of its tenant.
 * A credential that is the only one of its app when it is added is preferred from then on.
 */
export interface AppStore extends AppStateStore {
  /** APP_EXISTS. The logo must be the one whose hash the app has. */
  create(app: App, credential: NewCredential | undefined, logo?: Logo | undefined): Promise<void>;
  find(tenantUid: string, appId: string): Promise<App | undefined>;
  findByUid(uid: string): Promise<App | undefined>;
  /** In the order of (tenant id, app id). */
  list(page: PageRequest, tenantIds?: readonly string[]): Promise<Page<App>>;
  /** `logo`: undefined leaves it, unless the app has no hash of one any more. */
  update(before: App, after: App, logo?: Logo | undefined): Promise<App>;
  /** By its hash. */
  findLogo(hash: string): Promise<Logo | undefined>;
  /** ETAG_MISMATCH, as for updates; APP_IN_USE while connections go through it. */
  delete(app: App): Promise<void>;
  countConnections(appUid: string): Promise<number>;
  countForeignConnections(app: App): Promise<number>;
  credentials(appUid: string): Promise<readonly Credential[]>;
  /** Sealed by the DEK of the app's owner. CREDENTIAL_EXISTS. */
  addCredential(app: App, credential: NewCredential): Promise<void>;
  /** False: there is none of that id. */
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

export interface ConnectionFilter {
  readonly tenantIds?: readonly string[] | undefined;
  readonly state?: ConnectionState | undefined;
  readonly externalId?: string | undefined;
  /** Found by a keyed blind index; compared without case. */
  readonly username?: string | undefined;
  readonly label?: { readonly key: string; readonly value: string } | undefined;
  /** Compared without case, like the next. */
  readonly objectId?: string | undefined;
  readonly directoryId?: string | undefined;
}

/**
 * Whatever creates a connection, changes its state, grant, external id or labels, or deletes it, writes a `connection.changed` event
 * into the outbox in the same commit; here, in GrantStore and in AuthorizationStore. A refresh that changes nothing of these writes none.
 */
export interface ConnectionStore {
  find(tenantUid: string, connectionId: string): Promise<Connection | undefined>;
  findByUid(uid: string): Promise<Connection | undefined>;
  /**
   * An external id belongs to one connection of a tenant; whatever would give it to a second one throws CONNECTION_EXISTS with metadata
   * `field` (`external_id`) and `connection` (name of the holder).
   */
  findByExternalId(tenantUid: string, externalId: string): Promise<Connection | undefined>;
  /** In the order of (tenant id, connection id). */
  list(page: PageRequest, filter: ConnectionFilter): Promise<Page<Connection>>;
  countByState(): Promise<Readonly<Record<ConnectionState, number>>>;
  /** CONNECTION_EXISTS. */
  create(connection: Connection): Promise<void>;
  /** What a product may change (labels, external id); never the grant. */
  update(before: Connection, after: Connection): Promise<Connection>;
  /** Fences whoever is refreshing, drops stored access tokens. No version is asked: a suspension must win. CONNECTION_NOT_FOUND. */
  setSuspended(connection: Connection, suspendTime: Timestamp | undefined, now: Timestamp): Promise<Connection>;
  /** Fences, and forgets grant, tokens and personal data. CONNECTION_NOT_FOUND when it was gone already. */
  delete(connection: Connection): Promise<void>;
  /**
   * Swaps a grant in (import): fences whoever is refreshing, drops stored access tokens, in one commit.
   * Inserts the connection where `before` is undefined. CONNECTION_EXISTS, ETAG_MISMATCH.
   */
  replaceGrant(before: Connection | undefined, after: Connection, refreshToken: Secret): Promise<Connection>;
  /** Uids of unsuspended connections with a sound grant whose keep-alive time has come, by index, most overdue first. */
  dueForKeepAlive(now: Timestamp, limit: number): Promise<readonly string[]>;
  /** Connections with a sound grant that die within `within` unless they are redeemed (75 days idle and more). */
  countNearIdleEnd(now: Timestamp, within: Duration): Promise<number>;
}

/** The right to redeem, held by one replica for a while. */
export interface GrantStore {
  /** A stored access token, opened; undefined when none is stored that ends after `endsAfter` and opens. */
  findAccessToken(connectionUid: string, resource: string, endsAfter: Timestamp): Promise<AccessToken | undefined>;
  /** Undefined: somebody else holds it, or the connection is gone. The database's clock decides. */
  lease(
    connectionUid: string,
    request: { owner: string; resource: string; duration: Duration; endsAfter?: Timestamp | undefined },
  ): Promise<HeldLease | undefined>;
}

/** What may only be done under the lease. Each ends it. */
export interface HeldLease {
  /** Read again under the lease. */
  readonly connection: Connection;
  /** Undefined: never granted. */
  readonly refreshToken: Secret | undefined;
  /** The one before, kept 24 h; opened when it is asked for. */
  readonly previousRefreshToken: { readonly token: Secret; readonly replacedTime: Timestamp } | undefined;
  /** Stored for the resource of the lease; ends after `endsAfter`, or now. */
  readonly accessToken: AccessToken | undefined;
  /** One durable commit, fenced by the epoch. `fenced`: somebody replaced the grant meanwhile; the outcome is void. */
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
  /** The connection (when it is new), the authorization and its first attempt, in one commit. */
  start(start: {
    readonly connection: Connection | undefined;
    readonly authorization: Authorization;
    readonly handleHash: string;
    readonly attempt: AuthorizationAttempt;
    readonly stateHash: string;
  }): Promise<void>;
  findByHandle(handleHash: string): Promise<Authorization | undefined>;
  findByUid(uid: string): Promise<Authorization | undefined>;
  /** STATE_INVALID: it is over. RATE_LIMITED: it has had 100. */
  addAttempt(attempt: AuthorizationAttempt, stateHash: string): Promise<void>;
  /**
   * Uses the state up, once; the second time says so, with the authorization, so that a repeated callback can show the first outcome.
   * Unknown: also that of an authorization which another state has ended.
   */
  useState(stateHash: string, now: Timestamp): Promise<UsedState>;
  /** The grant waits here, sealed, for its confirmation. False: the authorization is not OPEN any more. */
  consent(
    authorizationUid: string,
    grant: Grant,
    confirmationHash: string | undefined,
    confirmationExpireTime: Timestamp,
  ): Promise<boolean>;
  /** The waiting grant, if the confirmation fits this connection and lives. */
  findConsented(
    connectionUid: string,
    confirmationHash: string,
    now: Timestamp,
  ): Promise<{ authorization: Authorization; grant: Grant } | undefined>;
  /** Swaps the grant in (fencing, dropping tokens) and closes the authorization, in one commit. ETAG_MISMATCH. */
  confirm(authorization: Authorization, before: Connection, after: Connection, grant: Grant): Promise<Connection>;
  fail(authorizationUid: string, failure: Reason): Promise<void>;
  /** Deletes what ended before `time`, up to `limit`; returns how many. */
  sweep(time: Timestamp, limit: number): Promise<number>;
}

/** Hashes are SHA-256, hex. */
export interface AdminConsentStore {
  /** TENANT_NOT_FOUND, APP_NOT_FOUND: deleted meanwhile. */
  start(consent: AdminConsent, handleHash: string, state: MintedState | undefined): Promise<void>;
  findByHandle(handleHash: string): Promise<AdminConsent | undefined>;
  /** The button was pressed: the newest state counts, one before is worth nothing any more. STATE_INVALID: it is over. RATE_LIMITED: it has had 100. */
  renewState(uid: string, state: MintedState): Promise<void>;
  /** Uses the state up, once; the second time says so, so that a repeated callback can show the first outcome. */
  useState(stateHash: string, now: Timestamp): Promise<UsedConsentState>;
  /** Ends the link. */
  grant(uid: string): Promise<void>;
  /** Deletes what ended before `time`, up to `limit`; returns how many. */
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
