import { and, asc, eq, sql } from 'drizzle-orm';
import { idleExpireTime } from '../../model/connection.ts';
import type { ExpiryStore } from '../background_store_interfaces.ts';
import { fromRow } from '../connections/connection_row_mapping.ts';
import { placeholder } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';

/** How long a refresh token is valid after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

// Exactly as in the partial index connections_idle, so that the planner uses it.
const isUnpublishedOf = sql`keep_alive_time IS NOT NULL AND idle_reminded_time IS DISTINCT FROM last_refresh_time`;

export function createIdleReminders({
  database,
  outbox,
}: StoreParts): Pick<ExpiryStore, 'idleExpiring' | 'remindIdle'> {
  const { connections } = database.tables;
  const lastRefreshTime = placeholder(connections.lastRefreshTime, 'lastRefreshTime');

  const expiring = database.rows('connections.idleExpiring', (db) =>
    db
      .select()
      .from(connections)
      .where(sql`last_refresh_time < ${lastRefreshTime} AND ${isUnpublishedOf}`)
      .orderBy(asc(connections.lastRefreshTime))
      .limit(sql.placeholder('limit')),
  );
  const remind = database.write('connections.remindIdle', (db) =>
    db
      .update(connections)
      .set({ idleRemindedTime: lastRefreshTime })
      .where(
        and(
          eq(connections.uid, placeholder(connections.uid, 'uid')),
          eq(connections.lastRefreshTime, lastRefreshTime),
          isUnpublishedOf,
          outbox.isUnpublished,
        ),
      ),
  );

  return {
    async idleExpiring(time, limit) {
      const rows = await expiring.all({ lastRefreshTime: time - IDLE_LIFE, limit });
      return rows.map((row) => fromRow(row));
    },
    async remindIdle({ uid, lastRefreshTime }, event) {
      const { committed } = await database.commit(
        remind.step({ uid, lastRefreshTime, dedupeKey: event.dedupeKey }, 1),
        ...outbox.publish(event),
      );
      // If the event was published before, the connection need not be returned again.
      if (!committed) await remind.run({ uid, lastRefreshTime, dedupeKey: null });
      return committed;
    },
  };
}
