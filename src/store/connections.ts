import { and, asc, count, eq, getTableColumns, sql } from 'drizzle-orm';
import type { Connection, ConnectionState } from '../model/connection.ts';
import { connectionName, idleExpireTime } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { createConnectionList } from './connection_list.ts';
import { type ConnectionRows, connectionChanged } from './connection_rows.ts';
import { type Database, placeholder, placeholders } from './database.ts';
import type { ConnectionStore } from './stores.ts';
import type { TenantKeys } from './tenant_keys.ts';

interface ConnectionStoreParts {
  database: Database;
  keys: TenantKeys;
  connectionRows: ConnectionRows;
}

// Joined to nothing, the column matches no index: a planner would walk all ACTIVE rows instead of the few that are due.
const isActive = sql`grant_state || '' = 'ACTIVE'`;

/** How long a refresh token lives after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

export function createConnectionStore({ database, keys, connectionRows }: ConnectionStoreParts): ConnectionStore {
  const { connections } = database.tables;
  const { toConnection } = connectionRows;
  const all = placeholders(getTableColumns(connections));
  const byUid = eq(connections.uid, all.uid);
  const nextVersion = sql`${connections.version} + 1`;

  const find = database.rows('connections.find', (db) =>
    db
      .select()
      .from(connections)
      .where(and(eq(connections.tenantUid, all.tenantUid), eq(connections.connectionId, all.connectionId))),
  );
  const findByUid = database.rows('connections.findByUid', (db) => db.select().from(connections).where(byUid));
  const update = database.write('connections.update', (db) =>
    db
      .update(connections)
      .set({ externalId: all.externalId, labels: all.labels, updateTime: all.updateTime, version: nextVersion })
      .where(and(byUid, eq(connections.version, all.version))),
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
      .where(byUid),
  );
  const deleteOne = database.write('connections.delete', (db) => db.delete(connections).where(byUid));
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

  return {
    list: createConnectionList({ database, keys, connectionRows }),
    async find(tenantUid, connectionId) {
      const row = await find.first({ tenantUid, connectionId });
      return row && toConnection(row);
    },
    async findByUid(uid) {
      const row = await findByUid.first({ uid });
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
    async create(connection) {
      await keys.ready(connection.tenantUid);
      await database.commit(connectionRows.insert(connection, undefined));
    },
    async update(before, after) {
      const changed = await update.run({
        uid: before.uid,
        version: before.version,
        externalId: after.externalId ?? null,
        labels: after.labels,
        updateTime: after.updateTime,
      });
      if (changed === 0) throw connectionChanged(before);
      return { ...after, version: before.version + 1 };
    },
    async setSuspended({ uid, ...connection }, suspendTime, now) {
      const result = await database.commit(
        suspend.step({ uid, suspendTime: suspendTime ?? null, updateTime: now }, 1),
        connectionRows.dropAccessTokens(uid),
      );
      const row = result.committed ? await findByUid.first({ uid }) : undefined;
      if (row === undefined) throw connectionGone(connection);
      return toConnection(row);
    },
    async delete(connection) {
      // Access tokens and authorizations go with it (ON DELETE CASCADE), and a lease finds no row to record in.
      if ((await deleteOne.run({ uid: connection.uid })) === 0) throw connectionGone(connection);
    },
    async replaceGrant(before, after, refreshToken) {
      await keys.ready(after.tenantUid);
      if (before === undefined) {
        await database.commit(connectionRows.insert(after, refreshToken));
        return after;
      }
      const result = await database.commit(
        connectionRows.replace(before, after, refreshToken),
        connectionRows.dropAccessTokens(before.uid),
      );
      if (!result.committed) throw connectionChanged(before);
      return { ...after, version: before.version + 1 };
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
