import { randomBytes } from 'node:crypto';
import { newConnection } from '../../src/connect/create_or_relabel_connection.ts';
import type { AccessToken } from '../../src/model/access_token.ts';
import { HOUR, MINUTE, type Timestamp } from '../../src/model/clock.ts';
import type { Connection } from '../../src/model/connection.ts';
import { afterGrant } from '../../src/model/connection_grant.ts';
import type { App } from '../../src/model/entra_app.ts';
import { Secret } from '../../src/model/secret.ts';
import { ACCOUNT, DIRECTORY_ID, GRAPH, PERMISSIONS } from './fake_entra.ts';

/** The stored access token of each connection. `stale`: expired a minute ago. */
export type StoredTokens = 'live' | 'stale' | 'none';

/** Bytes of the access tokens that are stored; Entra's for Graph have about 2 KB. */
export const STORED_TOKEN_BYTES = 2_000;

export function connectionIdOf(number: number): string {
  return `user-${String(number).padStart(6, '0')}`;
}

/** An ACTIVE connection of the app's tenant, redeemed at `time`. */
export function sampleConnection(app: App, number: number, time: Timestamp): Connection {
  const tenant = { uid: app.tenantUid, tenantId: app.tenantId };
  const request = { connectionId: connectionIdOf(number), externalId: `external-${number}` };
  const grant = {
    refreshToken: new Secret(''),
    account: { ...ACCOUNT, directoryId: DIRECTORY_ID },
    productScopes: ['Mail.ReadWrite'],
    granted: { [GRAPH]: PERMISSIONS },
  };
  return afterGrant(newConnection(tenant, app, request, time), { grant, app, verified: true }, time);
}

export function sampleAccessToken(kind: 'live' | 'stale', now: Timestamp): AccessToken {
  const expireTime = kind === 'live' ? now + HOUR : now - MINUTE;
  return {
    token: new Secret(randomBytes(STORED_TOKEN_BYTES).toString('base64url').slice(0, STORED_TOKEN_BYTES)),
    resource: GRAPH,
    permissions: PERMISSIONS,
    expireTime,
    refreshTime: expireTime - 12 * MINUTE,
    correlationId: undefined,
  };
}
