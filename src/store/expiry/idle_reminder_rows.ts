import { and, asc, eq, sql } from 'drizzle-orm';
import { idleExpireTime } from '../../model/connection.ts';
import type { ExpiryStore } from '../background_stores.ts';
import { fromRow } from '../connections/connection_columns.ts';
import { placeholder } from '../database.ts';
import type { ExpiryStoreParts } from '../events/outbox.ts';

/** How long a refresh token lives after its last use. */
const IDLE_LIFE = idleExpireTime({ lastRefreshTime: 0 }) ?? 0;

// Word for word as the partial index connections_idle says it.
const isUntoldOf = sql`keep_alive_time IS NOT NULL AND idle_told IS DISTINCT FROM last_refresh_time`;

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
      .where(sql`last_refresh_time < ${lastRefreshTime} AND ${isUntoldOf}`)
      .orderBy(asc(connections.lastRefreshTime))
      .limit(sql.placeholder('limit')),
  );
  const remind = database.write('connections.remindIdle', (db) =>
    db
      .update(connections)
      .set({ idleTold: lastRefreshTime })
      .where(
        and(
          eq(connections.uid, placeholder(connections.uid, 'uid')),
          eq(connections.lastRefreshTime, lastRefreshTime),
          isUntoldOf,
          outbox.isUntold,
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
        remind.step({ uid, lastRefreshTime, cause: event.cause ?? null }, 1),
        ...outbox.tell(event),
      );
      // Where its cause is there already, it need not come up again.
      if (!committed) await remind.run({ uid, lastRefreshTime, cause: null });
      return committed;
    },
  };
}
