import { and, eq, getTableColumns, sql } from 'drizzle-orm';
import { type Connection, canonicalAccount, connectionName } from '../../model/connection.ts';
import { connectionChanged } from '../../model/connection_changed_event.ts';
import { changedSinceRead } from '../../model/etag.ts';
import { newLeaseId } from '../../model/id_patterns.ts';
import { connectionNotFound } from '../../model/not_found_errors.ts';
import { placeholders } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { ConnectionStore } from '../store_interfaces.ts';
import { createConnectionCounts } from './connection_counts_and_due_keep_alives.ts';
import { type ConnectionRow, fromRow } from './connection_row_mapping.ts';
import type { ConnectionRows } from './connection_rows.ts';
import { createConnectionList } from './list_connections.ts';
import type { ExternalIds } from './unique_external_ids.ts';

export function createConnectionStore(
  parts: StoreParts,
  { connectionRows, externalIds }: { connectionRows: ConnectionRows; externalIds: ExternalIds },
): ConnectionStore {
  const { database, keys, outbox, changes, clock } = parts;
  const { connections } = database.tables;
  const { toConnection } = connectionRows;
  const all = placeholders(getTableColumns(connections));
  const unchanged = and(eq(connections.uid, all.uid), eq(connections.version, all.version));
  const nextVersion = sql`${connections.version} + 1`;

  const find = database.rows('connections.find', (db) =>
    db
      .select()
      .from(connections)
      .where(and(eq(connections.tenantUid, all.tenantUid), eq(connections.connectionId, all.connectionId))),
  );
  const update = database.write('connections.update', (db) =>
    db
      .update(connections)
      .set({
        externalId: all.externalId,
        labels: all.labels,
        mac: all.mac,
        updateTime: all.updateTime,
        version: nextVersion,
      })
      .where(unchanged),
  );
  const suspend = database.write('connections.suspend', (db) =>
    db
      .update(connections)
      .set({
        suspendTime: all.suspendTime,
        updateTime: all.updateTime,
        version: nextVersion,
        leaseId: all.leaseId,
        leaseOwner: null,
        leaseUntil: null,
      })
      .where(unchanged),
  );
  const deleteOne = database.write('connections.delete', (db) => db.delete(connections).where(unchanged));

  /** Callers send no version, but the event must describe the row that is changed: repeats if another write came between. */
  async function untilWritten<T>(
    connection: Connection,
    attempt: (row: ConnectionRow) => Promise<T | undefined>,
  ): Promise<T> {
    for (;;) {
      const row = await connectionRows.find(connection.uid);
      if (row === undefined) throw connectionNotFound(connection);
      const done = await attempt(row);
      if (done !== undefined) return done;
    }
  }

  return {
    ...createConnectionCounts(database),
    list: createConnectionList(parts, connectionRows),
    async find(tenantUid, connectionId) {
      const row = await find.first({ tenantUid, connectionId });
      return row && toConnection(row);
    },
    async findByUid(uid) {
      const row = await connectionRows.find(uid);
      return row && toConnection(row);
    },
    async findByExternalId(tenantUid, externalId) {
      const row = await externalIds.find(tenantUid, externalId);
      return row && toConnection(row);
    },
    async create(connection) {
      const seal = () => connectionRows.insert(connection, undefined);
      await externalIds.guarded(connection, () => keys.commitSealed(connection.tenantUid, seal));
    },
    async update(before, after) {
      const { uid, version } = before;
      const { externalId, labels, updateTime } = after;
      const relabelled = { ...before, externalId, labels };
      const event = connectionChanged({ before, after: relabelled, time: clock.now() });
      await keys.ready(before.tenantUid);
      const mac = connectionRows.macOf(relabelled);
      const { committed } = await externalIds.guarded(after, () =>
        changes.commit(
          { kind: 'connection', uid },
          update.step({ uid, version, externalId, labels, mac, updateTime }, 1),
          ...outbox.publish(event),
        ),
      );
      if (!committed) throw changedSinceRead(connectionName(before));
      return { ...after, version: version + 1 };
    },
    setSuspended(connection, suspendTime, now) {
      return untilWritten(connection, async (row) => {
        const { uid, version } = row;
        const before = await toConnection(row);
        const after = { ...before, suspendTime, updateTime: now, version: version + 1 };
        const { committed } = await changes.commit(
          { kind: 'connection', uid },
          suspend.step({ uid, version, suspendTime, updateTime: now, leaseId: newLeaseId() }, 1),
          connectionRows.dropAccessTokens(uid),
          ...outbox.publish(connectionChanged({ before, after, time: clock.now() })),
        );
        return committed ? after : undefined;
      });
    },
    async delete(connection, isAppSuspended = false) {
      await untilWritten(connection, async (row) => {
        const { uid, version } = row;
        const event = connectionChanged({ before: fromRow(row), after: undefined, time: clock.now() });
        // Access tokens and authorizations go with it (ON DELETE CASCADE), and a lease finds no row to record in.
        const { committed } = await changes.commit(
          isAppSuspended ? undefined : { kind: 'connection', uid },
          deleteOne.step({ uid, version }, 1),
          ...outbox.publish(event),
        );
        return committed || undefined;
      });
      database.shredSoon();
    },
    async replaceGrant(before, after, refreshToken) {
      const seal = () =>
        before === undefined
          ? connectionRows.insert(after, refreshToken)
          : connectionRows.replace(before, after, refreshToken);
      // Nothing is cached of a connection that is new.
      const change = before && ({ kind: 'connection', uid: before.uid } as const);
      const { committed } = await externalIds.guarded(after, () =>
        keys.commitSealed(after.tenantUid, seal, (...steps) => changes.commit(change, ...steps)),
      );
      if (before !== undefined && !committed) throw changedSinceRead(connectionName(before));
      const version = before === undefined ? after.version : before.version + 1;
      return { ...after, account: canonicalAccount(after.account), version };
    },
  };
}
