import { and, asc, eq, getTableColumns, lte, sql } from 'drizzle-orm';
import type { ExpiryStore, Reminder } from '../background_stores.ts';
import { placeholder, placeholders } from '../database.ts';
import type { ExpiryStoreParts } from '../events/outbox.ts';

/** The last moment that JavaScript can write. */
const END_OF_TIME = 8_640_000_000_000_000;

export function createReminders({ database, outbox }: ExpiryStoreParts): Pick<ExpiryStore, 'dueReminders' | 'remind'> {
  const { credentials, apps, tenants } = database.tables;
  const { uid, credentialId, kind, hint, expireTime, reminderTime, lastRemindedDays, remindedExpireTime } =
    getTableColumns(credentials);
  const { tenantUid, tenantId, appId, clientId } = getTableColumns(apps);
  const all = placeholders({ uid, expireTime, reminderTime, lastRemindedDays, remindedExpireTime });
  const place = database.dialect.place(credentials);

  // A rejected one saves nobody, nor does one that begins after a gap; and of an unknown end nobody can say that it lies beyond this one's.
  const othersEnd = sql<number | null>`(
    SELECT max(CASE WHEN other.kind = 'FEDERATED' THEN coalesce(other.expire_time, ${sql.raw(String(END_OF_TIME))}) ELSE other.expire_time END)
      FROM credentials AS other
      WHERE other.app_uid = ${credentials.appUid} AND other.uid <> ${credentials.uid} AND other.verdict <> 'REJECTED'
        AND (other.not_before IS NULL OR other.not_before <= ${credentials.expireTime}))`.mapWith(
    credentials.expireTime,
  );
  const due = database.rows('expiry.due', (db) =>
    db
      // As they are stored: what cannot be decoded would cost the whole batch.
      .select({
        place,
        reminderTime,
        lastRemindedDays,
        remindedExpireTime,
        credential: { uid, credentialId, kind, hint, expireTime },
        app: { tenantUid, tenantId, appId, clientId },
        thresholds: sql<unknown>`${tenants.expiryThresholds}`,
        othersEnd,
      })
      .from(credentials)
      .innerJoin(apps, eq(apps.uid, credentials.appUid))
      .innerJoin(tenants, eq(tenants.uid, credentials.tenantUid))
      .where(lte(credentials.reminderTime, placeholder(credentials.reminderTime, 'now')))
      .orderBy(asc(credentials.reminderTime))
      .limit(sql.placeholder('limit')),
  );
  const isAsRead = and(
    eq(credentials.uid, all.uid),
    eq(credentials.reminderTime, all.reminderTime),
    sql`${credentials.expireTime} IS NOT DISTINCT FROM ${all.expireTime}`,
  );
  const remind = database.write('expiry.remind', (db) =>
    db
      .update(credentials)
      .set({
        reminderTime: placeholder(credentials.reminderTime, 'nextTime'),
        lastRemindedDays: all.lastRemindedDays,
        remindedExpireTime: all.remindedExpireTime,
      })
      // By its uid it would have to be looked for in an index that is larger than the page cache: that took two thirds of the statement.
      .where(and(eq(place, sql.placeholder('place')), isAsRead, outbox.isUnpublished)),
  );
  const look = database.rows('expiry.look', (db) =>
    db
      .select({ unpublished: sql<number | boolean>`${outbox.isUnpublished}` })
      .from(credentials)
      .where(isAsRead),
  );

  function valuesOf({ due, event, lastRemindedDays, nextTime }: Reminder) {
    const { uid, expireTime = null } = due.credential;
    return {
      uid,
      place: due.place,
      reminderTime: due.reminderTime,
      expireTime,
      nextTime: nextTime ?? null,
      lastRemindedDays: lastRemindedDays ?? null,
      remindedExpireTime: lastRemindedDays === undefined ? null : expireTime,
      dedupeKey: event?.dedupeKey ?? null,
    };
  }

  /** Without those whom somebody else was faster with, and without what was told already. */
  async function lookAgain(reminders: readonly Reminder[], refused: number): Promise<Reminder[]> {
    const left: Reminder[] = [];
    for (const [index, reminder] of reminders.entries()) {
      const row = await look.first(valuesOf(reminder));
      if (row === undefined) continue;
      if (!row.unpublished) left.push({ ...reminder, event: undefined });
      // The refused one is as it was: somebody is at it this very moment. It stays due.
      else if (index !== refused) left.push(reminder);
    }
    return left;
  }

  return {
    async dueReminders(now, limit) {
      const rows = await due.all({ now, limit });
      return rows.map(
        ({ credential, reminderTime, lastRemindedDays, remindedExpireTime, thresholds, othersEnd, ...found }) => ({
          ...found,
          credential: { ...credential, expireTime: credential.expireTime ?? undefined },
          reminderTime: reminderTime ?? 0,
          lastRemindedDays: remindedExpireTime === credential.expireTime ? (lastRemindedDays ?? undefined) : undefined,
          thresholds: readThresholds(thresholds),
          othersEnd: othersEnd ?? undefined,
        }),
      );
    },
    async remind(reminders) {
      let left = [...reminders];
      for (;;) {
        const events = left.flatMap(({ event }) => event ?? []);
        const result = await database.commit(
          ...left.map((reminder) => remind.step(valuesOf(reminder), 1)),
          ...events.flatMap((event) => outbox.publish(event)),
        );
        if (result.committed) return events.length;
        left = await lookAgain(left, result.refusedBy);
      }
    },
  };
}

/** JSON text on SQLite, decoded by PostgreSQL. Undefined also for what are none: who set them shall be told all the same. */
function readThresholds(stored: unknown): readonly number[] | undefined {
  const days = typeof stored === 'string' ? parsed(stored) : stored;
  return Array.isArray(days) && days.every(Number.isFinite) ? days : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
