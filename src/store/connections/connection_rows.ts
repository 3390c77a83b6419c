import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Clock } from '../../model/clock.ts';
import type { Connection } from '../../model/connection.ts';
import { connectionName } from '../../model/connection.ts';
import { connectionChanged } from '../../model/connection_changed.ts';
import { VaultError } from '../../model/errors.ts';
import type { Secret } from '../../model/secret.ts';
import { type Database, placeholder, placeholders, type Step } from '../database.ts';
import type { OutboxRows } from '../events/outbox.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import { type ConnectionRow, fromRow, grantColumns, indexForm, type Personal, placeOf } from './connection_columns.ts';
import { REFRESH_TOKEN } from './refresh_token_columns.ts';

/** Rows of connections, for the stores that write them: connections, grants, authorizations. */
export interface ConnectionRows {
  find(uid: string): Promise<ConnectionRow | undefined>;
  toConnection(row: ConnectionRow): Promise<Connection>;
  /** With its event. The tenant's keys must be ready, here and below. */
  insert(connection: Connection, refreshToken: Secret | undefined): readonly Step[];
  /**
   * Everything but names and creation; its first step refuses unless the version is still that of `before`. Fences whoever is
   * refreshing, drops stored access tokens, tells of the new grant.
   */
  replace(before: Connection, after: Connection, refreshToken: Secret): readonly Step[];
  dropAccessTokens(connectionUid: string): Step;
  /** Username, display name and e-mail address, sealed, and how to find the username. */
  personalOf(connection: Connection): Pick<ConnectionRow, 'personal' | 'usernameIndex'>;
}

interface ConnectionRowsParts {
  database: Database;
  keys: TenantKeys;
  outbox: OutboxRows;
  clock: Clock;
}

export function createConnectionRows({ database, keys, outbox, clock }: ConnectionRowsParts): ConnectionRows {
  const { connections, accessTokens } = database.tables;
  const { keyring } = keys;
  const all = placeholders(getTableColumns(connections));
  const { uid: _uid, tenantUid: _tenantUid, tenantId: _tenantId, connectionId: _id, createTime: _, ...mutable } = all;

  const find = database.rows('connections.findByUid', (db) =>
    db.select().from(connections).where(eq(connections.uid, all.uid)),
  );
  const insert = database.write('connections.insert', (db) => db.insert(connections).values(all), 'APP_NOT_FOUND');
  const replace = database.write(
    'connections.replace',
    (db) =>
      db
        .update(connections)
        .set({
          ...mutable,
          previousRefreshToken: null,
          replacedTime: null,
          version: sql`${connections.version} + 1`,
          epoch: sql`${connections.epoch} + 1`,
          leaseOwner: null,
          leaseUntil: null,
        })
        .where(and(eq(connections.uid, all.uid), eq(connections.version, all.version))),
    'APP_NOT_FOUND',
  );
  const dropAccessTokens = database.write('accessTokens.drop', (db) =>
    db
      .delete(accessTokens)
      .where(eq(accessTokens.connectionUid, placeholder(accessTokens.connectionUid, 'connectionUid'))),
  );

  function personalOf({ uid, tenantUid, account }: Connection) {
    const { username, displayName, email } = account ?? {};
    const named = username !== undefined || displayName !== undefined || email !== undefined;
    return {
      personal: named
        ? keyring.seal(placeOf(uid, tenantUid, 'personal'), JSON.stringify({ username, displayName, email }))
        : null,
      usernameIndex: username === undefined ? null : keyring.blindIndex(tenantUid, indexForm(username)),
    };
  }

  function toRow(connection: Connection, refreshToken: Secret | undefined): ConnectionRow {
    const { uid, tenantUid } = connection;
    return {
      ...grantColumns(connection),
      ...personalOf(connection),
      uid,
      tenantUid,
      tenantId: connection.tenantId,
      connectionId: connection.connectionId,
      appUid: connection.appUid,
      appTenantId: connection.appTenantId,
      appId: connection.appId,
      externalId: connection.externalId ?? null,
      labels: connection.labels,
      suspendTime: connection.suspendTime ?? null,
      createTime: connection.createTime,
      version: connection.version,
      refreshToken:
        refreshToken === undefined ? null : keyring.seal(placeOf(uid, tenantUid, REFRESH_TOKEN), refreshToken),
      idleRemindedTime: null,
      previousRefreshToken: null,
      replacedTime: null,
      epoch: 0,
      leaseOwner: null,
      leaseUntil: null,
    };
  }

  const drop = (connectionUid: string) => dropAccessTokens.step({ connectionUid });

  return {
    find: (uid) => find.first({ uid }),
    async toConnection(row) {
      if (row.personal === null) return fromRow(row, undefined);
      await keys.ready(row.tenantUid, row.personal);
      const text = keyring.open(placeOf(row.uid, row.tenantUid, 'personal'), row.personal).toString('utf8');
      return fromRow(row, JSON.parse(text) as Personal);
    },
    insert: (connection, refreshToken) => [
      insert.step(toRow(connection, refreshToken), 1),
      ...outbox.publish(connectionChanged({ before: undefined, after: connection, time: clock.now() })),
    ],
    replace: (before, after, refreshToken) => [
      replace.step({ ...toRow(after, refreshToken), uid: before.uid, version: before.version }, 1),
      drop(before.uid),
      ...outbox.publish(connectionChanged({ before, after, newGrant: true, time: clock.now() })),
    ],
    dropAccessTokens: drop,
    personalOf,
  };
}

export function changedMeanwhile(connection: Connection): VaultError {
  const resource = connectionName(connection);
  return new VaultError(
    'ETAG_MISMATCH',
    `${resource} changed since it was read; read it again and repeat the change.`,
    {
      metadata: { resource },
    },
  );
}
