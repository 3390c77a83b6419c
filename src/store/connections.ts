import { and, asc, count, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Clock } from '../model/clock.ts';
import type { Connection, ConnectionState } from '../model/connection.ts';
import { connectionName, idleExpireTime } from '../model/connection.ts';
import { connectionChanged } from '../model/connection_changed.ts';
import { VaultError } from '../model/errors.ts';
import { createConnectionList } from './connection_list.ts';
import {
  type ConnectionRow,
  type ConnectionRows,
  canonicalAccount,
  changedMeanwhile,
  fromRow,
} from './connection_rows.ts';
import { type Database, placeholder, placeholders } from './database.ts';
import type { ExternalIds } from './external_ids.ts';
import type { OutboxRows } from './outbox.ts';
import type { ConnectionStore } from './stores.ts';
import type { TenantKeys } from './tenant_keys.ts';

interface ConnectionStoreParts {
  database: Database;
  keys: TenantKeys;
  connectionRows: ConnectionRows;
  externalIds: ExternalIds;
  outbox: OutboxRows;
  clock: Clock;
}

// Joined to nothing, the column matches no index: a planner would walk all ACTIVE rows instead of the few that are due.
const isActive = sql`grant_state || '' = 'ACTIVE'`;

/** How long a refresh token lives after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

export function createConnectionStore(parts: ConnectionStoreParts): ConnectionStore {
  const { database, keys, connectionRows, externalIds, outbox, clock } = parts;
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
      .set({ externalId: all.externalId, labels: all.labels, updateTime: all.updateTime, version: nextVersion })
      .where(unchanged),
  );
  const suspend = database.write('connections.suspend', (db) =>
    db
      .update(connections)
      .set({
        suspendTime: all.suspendTime,
        updateTime: all.updateTime,
        version: nextVersion,
        epoch: sql`${connections.epoch} + 1`,
        leaseOwner: null,
        leaseUntil: null,
      })
      .where(unchanged),
  );
  const deleteOne = database.write('connections.delete', (db) => db.delete(connections).where(unchanged));
  const countActive = database.rows('connections.countByState', (db) =>
    db
      .select({ state: connections.grantState, count: count() })
      .from(connections)
      .where(sql`suspend_time IS NULL`)
      .groupBy(connections.grantState),
  );
  const countSuspended = database.rows('connections.countSuspended', (db) =>
    db.select({ count: count() }).from(connections).where(sql`suspend_time IS NOT NULL`),
  );
  const now = placeholder(connections.keepAliveTime, 'now');
  const due = database.rows('connections.dueForKeepAlive', (db) =>
    db
      .select({ uid: connections.uid })
      .from(connections)
      .where(
        sql`keep_alive_time <= ${now} AND suspend_time IS NULL AND ${isActive}
            AND (held_until IS NULL OR held_until <= ${now})`,
      )
      .orderBy(asc(connections.keepAliveTime))
      .limit(sql.placeholder('limit')),
  );
  const nearIdleEnd = database.rows('connections.countNearIdleEnd', (db) =>
    db
      .select({ count: count() })
      .from(connections)
      .where(
        sql`last_refresh_time <= ${placeholder(connections.lastRefreshTime, 'time')}
            AND suspend_time IS NULL AND ${isActive}`,
      ),
  );

  /** No caller's version is asked, but the event must tell of the row that is changed: where a refresh comes between, look again. */
  async function insisting<T>(
    connection: Connection,
    attempt: (row: ConnectionRow) => Promise<T | undefined>,
  ): Promise<T> {
    for (;;) {
      const row = await connectionRows.find(connection.uid);
      if (row === undefined) throw connectionGone(connection);
      const done = await attempt(row);
      if (done !== undefined) return done;
    }
  }

  return {
    list: createConnectionList({ database, keys, connectionRows }),
    async find(tenantUid, connectionId) {
      const row = await find.first({ tenantUid, connectionId });
      return row && toConnection(row);
    },
    async findByUid(uid) {
      const row = await connectionRows.find(uid);
      return row && toConnection(row);
    },
    async countByState() {
      const counts: Record<ConnectionState, number> = {
        PENDING: 0,
        ACTIVE: 0,
        REAUTHORIZATION_REQUIRED: 0,
        BLOCKED: 0,
        SUSPENDED: (await countSuspended.first({}))?.count ?? 0,
      };
      for (const { state, count } of await countActive.all({})) counts[state] = count;
      return counts;
    },
    async findByExternalId(tenantUid, externalId) {
      const row = await externalIds.find(tenantUid, externalId);
      return row && toConnection(row);
    },
    async create(connection) {
      await keys.ready(connection.tenantUid);
      await externalIds.guarded(connection, () => database.commit(...connectionRows.insert(connection, undefined)));
    },
    async update(before, after) {
      const { uid, version } = before;
      const { externalId, labels, updateTime } = after;
      const event = connectionChanged({ before, after: { ...before, externalId, labels }, time: clock.now() });
      const { committed } = await externalIds.guarded(after, () =>
        database.commit(
          update.step({ uid, version, externalId: externalId ?? null, labels, updateTime }, 1),
          ...outbox.tell(event),
        ),
      );
      if (!committed) throw changedMeanwhile(before);
      return { ...after, version: version + 1 };
    },
    setSuspended(connection, suspendTime, now) {
      return insisting(connection, async (row) => {
        const { uid, version } = row;
        const before = await toConnection(row);
        const after = { ...before, suspendTime, updateTime: now, version: version + 1 };
        const { committed } = await database.commit(
          suspend.step({ uid, version, suspendTime: suspendTime ?? null, updateTime: now }, 1),
          connectionRows.dropAccessTokens(uid),
          ...outbox.tell(connectionChanged({ before, after, time: clock.now() })),
        );
        return committed ? after : undefined;
      });
    },
    async delete(connection) {
      await insisting(connection, async (row) => {
        const { uid, version } = row;
        const event = connectionChanged({ before: fromRow(row, undefined), after: undefined, time: clock.now() });
        // Access tokens and authorizations go with it (ON DELETE CASCADE), and a lease finds no row to record in.
        const { committed } = await database.commit(deleteOne.step({ uid, version }, 1), ...outbox.tell(event));
        return committed || undefined;
      });
    },
    async replaceGrant(before, after, refreshToken) {
      await keys.ready(after.tenantUid);
      const steps =
        before === undefined
          ? connectionRows.insert(after, refreshToken)
          : connectionRows.replace(before, after, refreshToken);
      const { committed } = await externalIds.guarded(after, () => database.commit(...steps));
      if (before !== undefined && !committed) throw changedMeanwhile(before);
      const version = before === undefined ? after.version : before.version + 1;
      return { ...after, account: canonicalAccount(after.account), version };
    },
    async dueForKeepAlive(now, limit) {
      return (await due.all({ now, limit })).map(({ uid }) => uid);
    },
    async countNearIdleEnd(now, within) {
      return (await nearIdleEnd.first({ time: now + within - IDLE_LIFE }))?.count ?? 0;
    },
  };
}

function connectionGone(connection: Pick<Connection, 'tenantId' | 'connectionId'>): VaultError {
  const name = connectionName(connection);
  return new VaultError('CONNECTION_NOT_FOUND', `${name} was deleted meanwhile.`, { metadata: { resource: name } });
}
