import type { App } from './app.ts';
import { DAY, type Timestamp } from './clock.ts';
import { type Account, type Connection, keepingEmail, type PermissionsByResource } from './connection.ts';
import type { ResourceIssues } from './resource_issue.ts';
import type { Secret } from './secret.ts';

/** What a user's consent (or an import) brought: everything a connection needs to start living on it. */
export interface Grant {
  readonly refreshToken: Secret;
  readonly account: Account | undefined;
  readonly productScopes: readonly string[];
  readonly granted: PermissionsByResource;
  /** Resources that were asked for and that Entra refuses so far; absent: none. */
  readonly resourceIssues?: ResourceIssues | undefined;
}

export interface NewGrant {
  readonly grant: Grant;
  /** Through which it was given: the refresh token is bound to its client. */
  readonly app: Pick<App, 'uid' | 'tenantId' | 'appId'>;
  /** False: imported unseen, so Entra has not accepted it yet. */
  readonly verified: boolean;
}

/** The connection, living on a new grant: whatever was held against the old one is forgotten. Works from any state; suspension stays. */
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

const SOONEST = 30 * DAY;
const SPREAD = 15 * DAY;

/**
 * When a connection that was redeemed just now is redeemed again if nobody uses it: well inside the 90 days that a refresh token
 * lives, and spread by its uid, so that connections made in one go (an import of thousands) do not all fall due in one minute.
 */
export function keepAliveTimeAfter(connectionUid: string, now: Timestamp): Timestamp {
  // FNV-1a: any even spread will do.
  let hash = 0x811c9dc5;
  for (let i = 0; i < connectionUid.length; i += 1) hash = Math.imul(hash ^ connectionUid.charCodeAt(i), 0x01000193);
  return now + SOONEST + Math.floor(((hash >>> 0) / 2 ** 32) * SPREAD);
}
