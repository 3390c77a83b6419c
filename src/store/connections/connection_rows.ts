import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Connection } from '../../model/connection.ts';
import { connectionChanged } from '../../model/connection_changed_event.ts';
import { newLeaseId } from '../../model/id_patterns.ts';
import type { Secret } from '../../model/secret.ts';
import { placeholders, type Step, type Values } from '../database_interface.ts';
import { connectionMac, identityOf } from '../rows/row_macs.ts';
import { SEALED_COLUMNS } from '../rows/sealed_columns.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import { type ConnectionRow, fromRow, grantColumns, indexForm, type Personal } from './connection_row_mapping.ts';

export type ConnectionRows = ReturnType<typeof createConnectionRows>;

/** Rows of connections, for the stores that write them: connections, grants, authorizations. The tenant's keys must be ready for what seals. */
export function createConnectionRows({ database, keys, outbox, clock }: StoreParts) {
  const { connections, accessTokens } = database.tables;
  const { keyring } = keys;
  const places = SEALED_COLUMNS.connections;
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
          leaseOwner: null,
          leaseUntil: null,
        })
        .where(and(eq(connections.uid, all.uid), eq(connections.version, all.version))),
    'APP_NOT_FOUND',
  );
  const { connectionUid } = placeholders(getTableColumns(accessTokens));
  const dropAccessTokens = database.write('accessTokens.drop', (db) =>
    db.delete(accessTokens).where(eq(accessTokens.connectionUid, connectionUid)),
  );

  function personalOf(connection: Connection) {
    const { username, displayName, email } = connection.account ?? {};
    const named = username !== undefined || displayName !== undefined || email !== undefined;
    return {
      personal: named
        ? keyring.seal(places.personal(connection), JSON.stringify({ username, displayName, email }))
        : null,
      usernameIndex: username === undefined ? null : keyring.blindIndex(connection, indexForm(username)),
    };
  }

  function toRow(connection: Connection, refreshToken: Secret | undefined): Values {
    return {
      ...connection,
      ...grantColumns(connection),
      ...personalOf(connection),
      refreshToken: refreshToken && keyring.seal(places.refreshToken(connection), refreshToken),
      idleRemindedTime: null,
      previousRefreshToken: null,
      replacedTime: null,
      leaseId: newLeaseId(),
      mac: macOf(connection),
      leaseOwner: null,
      leaseUntil: null,
    };
  }

  async function toConnection(row: ConnectionRow, known?: Connection): Promise<Connection> {
    await keys.ready(row.tenantUid, row.personal);
    keyring.checkMac(connectionMac(row), row.mac);
    // Each write of `personal` makes a version.
    if (known?.uid === row.uid && known.version === row.version) return fromRow(row, known.account);
    if (row.personal === null) return fromRow(row);
    const text = keyring.open(places.personal(row), row.personal).toString('utf8');
    return fromRow(row, JSON.parse(text) as Personal);
  }

  const macOf = (connection: Connection) => keyring.mac(connectionMac(identityOf(connection)));

  const drop = (connectionUid: string) => dropAccessTokens.step({ connectionUid });

  return {
    find: (uid: string) => find.first({ uid }),
    /** RECORD_CORRUPT if the columns under the MAC were changed outside of the vault. */
    toConnection: (row: ConnectionRow, known?: Connection): Promise<Connection> =>
      keys.openCurrent(
        row,
        () => find.first(row),
        (current) => toConnection(current, known),
      ),
    /** With its event. */
    insert: (connection: Connection, refreshToken: Secret | undefined): readonly Step[] => [
      insert.step(toRow(connection, refreshToken), 1),
      ...outbox.publish(connectionChanged({ before: undefined, after: connection, time: clock.now() })),
    ],
    /**
     * Writes everything except names and creation, with the event of the new grant. The first step rejects unless the version is still
     * that of `before`. Fences a refresh in progress and deletes stored access tokens.
     */
    replace: (before: Connection, after: Connection, refreshToken: Secret): readonly Step[] => [
      replace.step({ ...toRow(after, refreshToken), uid: before.uid, version: before.version }, 1),
      drop(before.uid),
      ...outbox.publish(connectionChanged({ before, after, newGrant: true, time: clock.now() })),
    ],
    dropAccessTokens: drop,
    /** Of the columns that the row of this connection will have. */
    macOf,
    /** Username, display name and e-mail address, sealed, and the blind index of the username. */
    personalOf,
  };
}
