import { and, asc, eq, getTableColumns, lte, sql } from 'drizzle-orm';
import type { ExpiryStore, Reminder } from '../background_store_interfaces.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import type { StoreParts } from '../rows/store_parts.ts';

/** The latest time that JavaScript can represent. */
const END_OF_TIME = 8_640_000_000_000_000;

export function createReminders({ database, outbox }: StoreParts): Pick<ExpiryStore, 'dueReminders' | 'remind'> {
  const { credentials, apps, tenants } = database.tables;
  const { uid, credentialId, kind, hint, expireTime, reminderTime, lastRemindedDays, remindedExpireTime } =
    getTableColumns(credentials);
  const { tenantUid, tenantId, appId, clientId } = getTableColumns(apps);
  const all = placeholders({ uid, expireTime, reminderTime, lastRemindedDays, remindedExpireTime });
  const rowid = database.dialect.rowid(credentials);

  // Credentials that are rejected, or that become valid only after this one expires, are no replacement. Neither is one with unknown expiry.
  const othersEnd = sql<number | null>`(
    SELECT max(CASE WHEN other.kind IN ('FEDERATED', 'MANAGED_IDENTITY') THEN coalesce(other.expire_time, ${sql.raw(String(END_OF_TIME))}) ELSE other.expire_time END)
      FROM credentials AS other
      WHERE other.app_uid = ${credentials.appUid} AND other.uid <> ${credentials.uid} AND other.verdict <> 'REJECTED'
        AND (other.not_before IS NULL OR other.not_before <= ${credentials.expireTime}))`.mapWith(
    credentials.expireTime,
  );
  const due = database.rows('expiry.due', (db) =>
    db
      // Undecoded: one value that cannot be decoded would fail the whole batch.
      .select({
        rowid,
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
      // The index over uids is larger than the page cache: finding the row in it took two thirds of the statement's time.
      .where(and(eq(rowid, sql.placeholder('rowid')), isAsRead, outbox.isUnpublished)),
  );
  const look = database.rows('expiry.look', (db) =>
    db
      .select({ unpublished: sql<number | boolean>`${outbox.isUnpublished}` })
      .from(credentials)
      .where(isAsRead),
  );

  function valuesOf({ due, event, lastRemindedDays, nextTime }: Reminder) {
    const { uid, expireTime } = due.credential;
    return {
      uid,
      rowid: due.rowid,
      reminderTime: due.reminderTime,
      expireTime,
      nextTime,
      lastRemindedDays,
      remindedExpireTime: lastRemindedDays === undefined ? undefined : expireTime,
      dedupeKey: event?.dedupeKey,
    };
  }

  /** Leaves out reminders that another replica has handled, and events that were published before. */
  async function lookAgain(reminders: readonly Reminder[], refused: number): Promise<Reminder[]> {
    const left: Reminder[] = [];
    for (const [index, reminder] of reminders.entries()) {
      const row = await look.first(valuesOf(reminder));
      if (row === undefined) continue;
      if (!row.unpublished) left.push({ ...reminder, event: undefined });
      // The rejected row is unchanged: another replica is working on it. It stays due.
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
          ...outbox.publish(...events),
        );
        if (result.committed) return events.length;
        left = await lookAgain(left, result.refusedBy);
      }
    },
  };
}

/** JSON text on SQLite, decoded by PostgreSQL. Undefined also if they are invalid: the configured ones apply then. */
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
