import { asc, count, sql } from 'drizzle-orm';
import { type ConnectionState, idleExpireTime } from '../../model/connection.ts';
import { type Database, placeholder } from '../database_interface.ts';
import type { ConnectionStore } from '../store_interfaces.ts';

/** How long a refresh token is valid after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

/** Counts for the metrics, and connections that are due for keep-alive. */
export function createConnectionCounts(
  database: Database,
): Pick<ConnectionStore, 'countByState' | 'dueForKeepAlive' | 'countNearIdleEnd'> {
  const { connections } = database.tables;
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
        sql`keep_alive_time <= ${now} AND suspend_time IS NULL
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
            AND suspend_time IS NULL AND keep_alive_time IS NOT NULL`,
      ),
  );

  return {
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
    async dueForKeepAlive(now, limit) {
      return (await due.all({ now, limit })).map(({ uid }) => uid);
    },
    async countNearIdleEnd(now, within) {
      return (await nearIdleEnd.first({ time: now + within - IDLE_LIFE }))?.count ?? 0;
    },
  };
}
