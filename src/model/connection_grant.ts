import { DAY, type Timestamp } from './clock.ts';
import { type Account, type Connection, keepingEmail, type PermissionsByResource } from './connection.ts';
import type { ResourceIssues } from './connection_resource_issue.ts';
import type { App } from './entra_app.ts';
import type { Secret } from './secret.ts';

/** Result of a user's consent or of an import: everything that an active connection needs. */
export interface Grant {
  readonly refreshToken: Secret;
  readonly account: Account | undefined;
  readonly productScopes: readonly string[];
  readonly granted: PermissionsByResource;
  /** Requested resources that Entra refuses so far; absent: none. */
  readonly resourceIssues?: ResourceIssues | undefined;
}

export interface NewGrant {
  readonly grant: Grant;
  /** The refresh token is bound to the client of this app. */
  readonly app: Pick<App, 'uid' | 'tenantId' | 'appId'>;
  /** False: an import that Entra has not accepted yet. */
  readonly verified: boolean;
}

/** The connection with a new grant, without the issues of the old one. Works from any state; suspension stays. */
export function afterGrant(connection: Connection, { grant, app, verified }: NewGrant, now: Timestamp): Connection {
  return {
    ...connection,
    appUid: app.uid,
    appTenantId: app.tenantId,
    appId: app.appId,
    account: grant.account && keepingEmail(grant.account, connection.account),
    productScopes: grant.productScopes,
    granted: grant.granted,
    resourceIssues: grant.resourceIssues ?? {},
    grantState: 'ACTIVE',
    stateReason: undefined,
    verifyTime: verified ? now : undefined,
    lastRefreshTime: verified ? now : undefined,
    firstSuspectTime: undefined,
    heldUntil: undefined,
    keepAliveTime: keepAliveTimeAfter(connection.uid, now),
    updateTime: now,
  };
}

const SHORTEST = 30 * DAY;
const SPREAD = 15 * DAY;

/**
 * When a connection that was redeemed now is redeemed again if it stays unused: well within the 90 days for which a refresh token is
 * valid, and spread by its uid, so that thousands of connections of one import do not become due in the same minute.
 */
export function keepAliveTimeAfter(connectionUid: string, now: Timestamp): Timestamp {
  // FNV-1a: any uniform hash works.
  let hash = 0x811c9dc5;
  for (let i = 0; i < connectionUid.length; i += 1) hash = Math.imul(hash ^ connectionUid.charCodeAt(i), 0x01000193);
  return now + SHORTEST + Math.floor(((hash >>> 0) / 2 ** 32) * SPREAD);
}
