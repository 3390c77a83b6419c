import { and, asc, eq, sql } from 'drizzle-orm';
import { idleExpireTime } from '../../model/connection.ts';
import type { ExpiryStore } from '../background_stores.ts';
import { fromRow } from '../connections/connection_columns.ts';
import { placeholder } from '../database.ts';
import type { ExpiryStoreParts } from '../events/outbox.ts';

/** How long a refresh token lives after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

// Word for word as the partial index connections_idle says it.
const isUnpublishedOf = sql`keep_alive_time IS NOT NULL AND idle_reminded_time IS DISTINCT FROM last_refresh_time`;

export function createIdleReminders({
  database,
  outbox,
}: ExpiryStoreParts): Pick<ExpiryStore, 'idleExpiring' | 'remindIdle'> {
  const { connections } = database.tables;
  const lastRefreshTime = placeholder(connections.lastRefreshTime, 'lastRefreshTime');

  const ending = database.rows('connections.idleEnding', (db) =>
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
      const rows = await ending.all({ lastRefreshTime: time - IDLE_LIFE, limit });
      return rows.map((row) => fromRow(row, undefined));
    },
    async remindIdle({ uid, lastRefreshTime = null }, event) {
      const { committed } = await database.commit(
        remind.step({ uid, lastRefreshTime, dedupeKey: event.dedupeKey ?? null }, 1),
        ...outbox.publish(event),
      );
      // The event was published already: mark it, so that it is not due again.
      if (!committed) await remind.run({ uid, lastRefreshTime, dedupeKey: null });
      return committed;
    },
  };
}
