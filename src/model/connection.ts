import { DAY, type Timestamp } from './clock.ts';
import type { ResourceIssues } from './connection_resource_issue.ts';
import type { StateReason } from './state_reason.ts';

/** State of the grant; derived from its resources while Entra accepts the refresh token. Suspension does not change it. */
export type GrantState = 'PENDING' | 'ACTIVE' | 'REAUTHORIZATION_REQUIRED' | 'BLOCKED';
export type ConnectionState = GrantState | 'SUSPENDED';

/** The user's identity in a directory. */
export interface Account {
  /** `tid` of the id token: the directory of the grant; for a guest not the home directory. */
  readonly directoryId: string;
  /** `oid` of the id token. */
  readonly objectId: string;
  readonly username: string | undefined;
  readonly displayName: string | undefined;
  /** The id token's `email` claim, which Entra does not verify: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference */
  readonly email: string | undefined;
}

/** Entra's ids are GUIDs, so case is insignificant. Names prove nothing. */
export function isSameAccount(one: Account, other: Account): boolean {
  return (
    one.directoryId.toLowerCase() === other.directoryId.toLowerCase() &&
    one.objectId.toLowerCase() === other.objectId.toLowerCase()
  );
}

/** Keeps an e-mail address that the id token omits: its claims depend on the requested scopes. */
export function keepingEmail(current: Account, known: Account | undefined): Account {
  if (current.email !== undefined || known?.email === undefined || !isSameAccount(current, known)) return current;
  return { ...current, email: known.email };
}

/** Ids in lower case, as Entra writes them: imports may use another case, and lookups use this one. */
export function canonicalAccount(account: Account | undefined): Account | undefined {
  if (account === undefined) return undefined;
  const { directoryId, objectId } = account;
  return { ...account, directoryId: directoryId.toLowerCase(), objectId: objectId.toLowerCase() };
}

/** Canonical permission names (`Mail.Read`) by canonical resource URI. OIDC scopes are not permissions and never part of it. */
export type PermissionsByResource = Readonly<Record<string, readonly string[]>>;

/** A stored link to one account. It owns a refresh token, which only the store returns, under a lease. */
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
  /** Last granted by Entra, by resource. */
  readonly granted: PermissionsByResource;
  /** Resources that Entra refuses; the others are served. */
  readonly resourceIssues: ResourceIssues;
  readonly grantState: GrantState;
  readonly stateReason: StateReason | undefined;
  readonly suspendTime: Timestamp | undefined;
  /** When Entra last accepted the grant; undefined: an unverified import. */
  readonly verifyTime: Timestamp | undefined;
  readonly lastRefreshTime: Timestamp | undefined;
  /** First of the two ambiguous refusals that count as one (`ambiguous`). */
  readonly firstSuspectTime: Timestamp | undefined;
  /** Until then Entra is not called for this connection (`loop_detected`, `ambiguous`, daily probe of a blocked one). */
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
 * A refresh token expires 90 days after its last use.
 * https://learn.microsoft.com/entra/identity-platform/refresh-tokens#token-lifetime
 */
const REFRESH_TOKEN_IDLE_LIFE = 90 * DAY;

export function idleExpireTime(connection: Pick<Connection, 'lastRefreshTime'>): Timestamp | undefined {
  return connection.lastRefreshTime === undefined ? undefined : connection.lastRefreshTime + REFRESH_TOKEN_IDLE_LIFE;
}

/** Input of the etag. Refreshes increment the version, but change nothing that callers decide by. */
export function changeOf({ uid, updateTime }: Pick<Connection, 'uid' | 'updateTime'>) {
  return { uid, version: updateTime };
}

/** Differs from the last one, even within a millisecond. */
export function nextUpdateTime({ updateTime }: Pick<Connection, 'updateTime'>, now: Timestamp): Timestamp {
  return Math.max(now, updateTime + 1);
}

/** Resource name: `tenants/acme/connections/ada`. */
export function connectionName(connection: Pick<Connection, 'tenantId' | 'connectionId'>): string {
  return `tenants/${connection.tenantId}/connections/${connection.connectionId}`;
}

export function appName(app: { readonly tenantId: string; readonly appId: string }): string {
  return `tenants/${app.tenantId}/apps/${app.appId}`;
}
