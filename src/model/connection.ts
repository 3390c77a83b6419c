import { DAY, type Timestamp } from './clock.ts';
import type { ResourceIssues } from './resource_issue.ts';
import type { StateReason } from './state_reason.ts';

/** State of the grant; derived from its resources while Entra takes the refresh token. Suspension leaves it as it is. */
export type GrantState = 'PENDING' | 'ACTIVE' | 'REAUTHORIZATION_REQUIRED' | 'BLOCKED';
export type ConnectionState = GrantState | 'SUSPENDED';

/** The user's identity in a directory. */
export interface Account {
  /** `tid` of the id token: where the grant was made, for a guest not the home directory. */
  readonly directoryId: string;
  /** `oid` of the id token. */
  readonly objectId: string;
  readonly username: string | undefined;
  readonly displayName: string | undefined;
  /** The id token's `email` claim, which Entra does not verify: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference */
  readonly email: string | undefined;
}

/** Entra's ids are GUIDs: written in any case of letters, they mean the same. Names prove nothing. */
export function isSameAccount(one: Account, other: Account): boolean {
  return (
    one.directoryId.toLowerCase() === other.directoryId.toLowerCase() &&
    one.objectId.toLowerCase() === other.objectId.toLowerCase()
  );
}

/** An e-mail address that an id token leaves out stays known: which claims come depends on what was asked for along with it. */
export function keepingEmail(told: Account, known: Account | undefined): Account {
  if (told.email !== undefined || known?.email === undefined || !isSameAccount(told, known)) return told;
  return { ...told, email: known.email };
}

/** Ids in lower case, as Entra writes them: an import may have been told them in another, and they are looked for in one. */
export function canonicalAccount(account: Account | undefined): Account | undefined {
  return (
    account && {
      ...account,
      directoryId: account.directoryId.toLowerCase(),
      objectId: account.objectId.toLowerCase(),
    }
  );
}

/** Canonical permission names (`Mail.Read`) by canonical resource URI. OIDC scopes are no permissions and never stand here. */
export type PermissionsByResource = Readonly<Record<string, readonly string[]>>;

/** Our stored link to one account; it owns a refresh token, which the store alone hands out, under a lease. */
export interface Connection {
  readonly uid: string;
  readonly tenantUid: string;
  readonly tenantId: string;
  /** Chosen by the product: `[A-Za-z0-9._~|-]{1,128}`. */
  readonly connectionId: string;
  readonly appUid: string;
  /** Owner of the app: another tenant's, when the app is shared. */
  readonly appTenantId: string;
  readonly appId: string;
  readonly externalId: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly account: Account | undefined;
  readonly productScopes: readonly string[];
  /** What Entra granted last, by resource. */
  readonly granted: PermissionsByResource;
  /** Resources that Entra refuses; the others are served. */
  readonly resourceIssues: ResourceIssues;
  readonly grantState: GrantState;
  readonly stateReason: StateReason | undefined;
  readonly suspendTime: Timestamp | undefined;
  /** When Entra last accepted the grant; undefined for an import that was not verified yet. */
  readonly verifyTime: Timestamp | undefined;
  readonly lastRefreshTime: Timestamp | undefined;
  /** First of two strikes before a doubtful refusal counts (`suspect`). */
  readonly firstSuspectTime: Timestamp | undefined;
  /** Until then nothing is asked of Entra for this connection (`looping`, `suspect`, a blocked one's daily probe). */
  readonly heldUntil: Timestamp | undefined;
  /** When keep-alive redeems it next; undefined unless the grant is sound. */
  readonly keepAliveTime: Timestamp | undefined;
  readonly createTime: Timestamp;
  readonly updateTime: Timestamp;
  readonly version: number;
}

export function connectionState(connection: Pick<Connection, 'grantState' | 'suspendTime'>): ConnectionState {
  return connection.suspendTime === undefined ? connection.grantState : 'SUSPENDED';
}

/**
 * A refresh token dies 90 days after its last use.
 * https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
 */
const REFRESH_TOKEN_IDLE_LIFE = 90 * DAY;

export function idleExpireTime(connection: Pick<Connection, 'lastRefreshTime'>): Timestamp | undefined {
  return connection.lastRefreshTime === undefined ? undefined : connection.lastRefreshTime + REFRESH_TOKEN_IDLE_LIFE;
}

/** What its etag is made of: refreshes count up the version, but change nothing that a caller could have read and decided by. */
export function changeOf({ uid, updateTime }: Pick<Connection, 'uid' | 'updateTime'>): {
  uid: string;
  version: number;
} {
  return { uid, version: updateTime };
}

/** Two changes within a millisecond are still two. */
export function nextUpdateTime({ updateTime }: Pick<Connection, 'updateTime'>, now: Timestamp): Timestamp {
  return Math.max(now, updateTime + 1);
}

/** `tenants/acme/connections/ada`: what people and messages call it. */
export function connectionName(connection: Pick<Connection, 'tenantId' | 'connectionId'>): string {
  return `tenants/${connection.tenantId}/connections/${connection.connectionId}`;
}

export function appName(app: { readonly tenantId: string; readonly appId: string }): string {
  return `tenants/${app.tenantId}/apps/${app.appId}`;
}
