import { and, eq, gt, sql } from 'drizzle-orm';
import type { Place } from '../../keyring/keyring.ts';
import type { AccessToken } from '../../model/access_token.ts';
import type { Timestamp } from '../../model/clock.ts';
import { isVaultError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { type Database, placeholder, type Step } from '../database.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';

/** The newest access token of each connection and resource, sealed as a whole. */
export interface AccessTokenRows {
  /** One that ends after `endsAfter`, and opens. */
  find(connectionUid: string, resource: string, endsAfter: Timestamp): Promise<AccessToken | undefined>;
  /** The tenant's keys must be ready. */
  upsert(connection: { uid: string; tenantUid: string }, token: AccessToken): Step;
}

export function createAccessTokenRows({ database, keys }: { database: Database; keys: TenantKeys }): AccessTokenRows {
  const { accessTokens } = database.tables;
  const connectionUid = placeholder(accessTokens.connectionUid, 'connectionUid');
  const resource = placeholder(accessTokens.resource, 'resource');
  const token = placeholder(accessTokens.token, 'token');
  const expireTime = placeholder(accessTokens.expireTime, 'expireTime');
  const endsAfter = placeholder(accessTokens.expireTime, 'endsAfter');

  const find = database.rows('accessTokens.find', (db) =>
    db
      .select()
      .from(accessTokens)
      .where(
        and(
          eq(accessTokens.connectionUid, connectionUid),
          eq(accessTokens.resource, resource),
          gt(accessTokens.expireTime, endsAfter),
        ),
      ),
  );
  const upsert = database.write('accessTokens.upsert', (db) =>
    db
      .insert(accessTokens)
      .values({
        connectionUid,
        resource,
        tenantUid: placeholder(accessTokens.tenantUid, 'tenantUid'),
        token,
        expireTime,
      })
      .onConflictDoUpdate({
        target: [accessTokens.connectionUid, accessTokens.resource],
        set: { token: sql`excluded.token`, expireTime: sql`excluded.expire_time` },
      }),
  );

  /** One that does not open is no reason to wait for its end: the next exchange replaces it. */
  function opened(place: Place, sealed: Buffer): Secret | undefined {
    try {
      return keys.keyring.openSecret(place, sealed);
    } catch (error) {
      if (isVaultError(error, 'RECORD_CORRUPT')) return undefined;
      throw error;
    }
  }

  return {
    async find(connectionUid, resource, endsAfter) {
      const row = await find.first({ connectionUid, resource, endsAfter });
      if (row === undefined) return undefined;
      await keys.ready(row.tenantUid, row.token);
      const text = opened(placeOf(row.tenantUid, connectionUid, resource), row.token);
      return text && fromText(text);
    },
    upsert({ uid, tenantUid }, accessToken) {
      const { resource, expireTime } = accessToken;
      const sealed = keys.keyring.seal(placeOf(tenantUid, uid, resource), toText(accessToken));
      return upsert.step({ connectionUid: uid, resource, tenantUid, token: sealed, expireTime }, 1);
    },
  };
}

function placeOf(tenantUid: string, connectionUid: string, resource: string) {
  return { tenantUid, recordType: 'access_token', recordUid: `${connectionUid} ${resource}`, column: 'token' };
}

function toText(accessToken: AccessToken): string {
  return JSON.stringify({ ...accessToken, token: accessToken.token.reveal() });
}

function fromText(text: Secret): AccessToken {
  const stored = JSON.parse(text.reveal()) as Omit<AccessToken, 'token'> & { token: string };
  return { ...stored, correlationId: stored.correlationId, token: new Secret(stored.token) };
}
