import { and, eq, getTableColumns, gt, sql } from 'drizzle-orm';
import type { Place } from '../../keyring/keyring.ts';
import type { AccessToken } from '../../model/access_token.ts';
import type { Timestamp } from '../../model/clock.ts';
import { isVaultError } from '../../model/errors.ts';
import { Secret } from '../../model/secret.ts';
import { placeholder, placeholders, type Step } from '../database_interface.ts';
import { type NamedConnection, SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { StoreParts } from '../rows/store_parts.ts';

export type AccessTokenRows = ReturnType<typeof createAccessTokenRows>;

/** The newest access token of each connection and resource, sealed as a whole. */
export function createAccessTokenRows({ database, keys }: StoreParts) {
  const { accessTokens } = database.tables;
  const all = placeholders(getTableColumns(accessTokens));
  const endsAfter = placeholder(accessTokens.expireTime, 'endsAfter');

  const find = database.rows('accessTokens.find', (db) =>
    db
      .select()
      .from(accessTokens)
      .where(
        and(
          eq(accessTokens.connectionUid, all.connectionUid),
          eq(accessTokens.resource, all.resource),
          gt(accessTokens.expireTime, endsAfter),
        ),
      ),
  );
  const upsert = database.write('accessTokens.upsert', (db) =>
    db
      .insert(accessTokens)
      .values(all)
      .onConflictDoUpdate({
        target: [accessTokens.connectionUid, accessTokens.resource],
        set: { token: sql`excluded.token`, expireTime: sql`excluded.expire_time` },
      }),
  );

  /** A token that cannot be opened is ignored; the next exchange replaces it. */
  function opened(place: Place, sealed: Buffer): Secret | undefined {
    try {
      return keys.keyring.openSecret(place, sealed);
    } catch (error) {
      if (isVaultError(error, 'RECORD_CORRUPT')) return undefined;
      throw error;
    }
  }

  return {
    /** Undefined unless one is stored that expires after `endsAfter` and can be opened. */
    async find(connection: NamedConnection, resource: string, endsAfter: Timestamp): Promise<AccessToken | undefined> {
      const row = await find.first({ connectionUid: connection.uid, resource, endsAfter });
      if (row === undefined) return undefined;
      await keys.ready(connection.tenantUid, row.token);
      const text = opened(SEALED_COLUMNS.accessTokens.token(connection, resource), row.token);
      return text && fromText(text);
    },
    /** The tenant's keys must be ready. */
    upsert(connection: NamedConnection, accessToken: AccessToken): Step {
      const { uid, tenantUid } = connection;
      const { resource, expireTime } = accessToken;
      const place = SEALED_COLUMNS.accessTokens.token(connection, resource);
      const sealed = keys.keyring.seal(place, toText(accessToken));
      return upsert.step({ connectionUid: uid, resource, tenantUid, token: sealed, expireTime }, 1);
    },
  };
}

function toText(accessToken: AccessToken): string {
  return JSON.stringify({ ...accessToken, token: accessToken.token.reveal() });
}

function fromText(text: Secret): AccessToken {
  const stored = JSON.parse(text.reveal()) as Omit<AccessToken, 'token'> & { token: string };
  return { ...stored, token: new Secret(stored.token) };
}
