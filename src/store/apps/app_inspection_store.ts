import { and, asc, eq, getTableColumns, inArray, isNotNull, sql } from 'drizzle-orm';
import { earlierExpireTime } from '../../model/app_credential.ts';
import { DAY, type Duration } from '../../model/clock.ts';
import type { VaultEvent } from '../../model/vault_event.ts';
import type { CredentialExpiry, DueInspection, Inspection, InspectionStore } from '../background_store_interfaces.ts';
import { placeholder, placeholders } from '../database_interface.ts';
import { createDueRows, markDue } from '../rows/select_due_rows.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import { toApp } from './app_rows.ts';
import { openColumns, toCredential } from './credential_rows.ts';

/** An app waits for at most a week and a tenth. */
const LONGEST_WAIT: Duration = 9 * DAY;

export function createInspectionStore({ database, outbox, changes }: StoreParts): InspectionStore {
  const { apps, credentials } = database.tables;
  const open = openColumns(credentials);
  const app = placeholders(getTableColumns(apps));
  const credential = placeholders(open);
  const isAsRead = and(eq(apps.uid, app.uid), eq(apps.inspectTime, app.inspectTime));

  const due = createDueRows(database, 'inspections.due', {
    time: apps.inspectTime,
    longestWait: LONGEST_WAIT,
    select: (when) => (db) =>
      db.select().from(apps).where(when).orderBy(asc(apps.inspectTime)).limit(sql.placeholder('limit')),
  });
  // Changes nothing; rejects the commit if the event exists, whose insertion would otherwise fail it with an error.
  const isUnpublished = database.write('inspections.isUnpublished', (db) =>
    db.update(apps).set({ inspectTime: app.inspectTime }).where(and(isAsRead, outbox.isUnpublished)),
  );
  const record = database.write('inspections.record', (db) =>
    db
      .update(apps)
      .set({
        inspectTime: placeholder(apps.inspectTime, 'nextTime'),
        knownKeyIds: app.knownKeyIds,
        registrationReading: sql`coalesce(${app.registrationReading}, ${apps.registrationReading})`,
      })
      .where(isAsRead),
  );
  const setEnds = database.write('inspections.setEnds', (db) =>
    db
      .update(credentials)
      .set({
        expireTime: credential.expireTime,
        configuredExpireTime: credential.configuredExpireTime,
        entraExpireTime: credential.entraExpireTime,
        entraKeyId: credential.entraKeyId,
        reminderTime: sql`CASE WHEN ${credentials.expireTime} IS NOT DISTINCT FROM ${credential.expireTime}
          THEN ${credentials.reminderTime} ELSE ${markDue(credentials.reminderTime)} END`,
      })
      .where(and(eq(credentials.uid, credential.uid), eq(credentials.appUid, credential.appUid))),
  );
  const secretUri = placeholder(credentials.hint, 'secretUri');
  // From '/' up to the character after it: all versions of the secret, but no other secret with a longer name.
  const refersToIt = sql`SELECT ${credentials.appUid} FROM ${credentials} WHERE kind = 'KEY_VAULT_SECRET'
    AND (${credentials.hint} = ${secretUri} OR (${credentials.hint} >= ${secretUri} || '/' AND ${credentials.hint} < ${secretUri} || '0'))`;
  const markDueBySecret = database.rows('inspections.markDueBySecret', (db) =>
    db
      .update(apps)
      .set({ inspectTime: markDue(apps.inspectTime) })
      .where(sql`${apps.uid} IN (${refersToIt})`)
      .returning({ uid: apps.uid }),
  );

  function endsStep(appUid: string, ends: CredentialExpiry) {
    const { credentialUid: uid, configuredExpireTime, entraExpireTime, entraKeyId } = ends;
    const expireTime = earlierExpireTime(configuredExpireTime, entraExpireTime);
    return setEnds.step({ uid, appUid, expireTime, configuredExpireTime, entraExpireTime, entraKeyId }, 1);
  }

  return {
    async due(now, limit) {
      const rows = await due(now, limit);
      const uids = rows.map(({ uid }) => uid);
      if (uids.length === 0) return [];
      // An app whose credentials change between the two reads becomes due again, and `record` is rejected.
      const found = await database.select('inspections.credentials', (db) =>
        db.select(open).from(credentials).where(inArray(credentials.appUid, uids)).orderBy(asc(credentials.position)),
      );
      const byApp = Map.groupBy(found.map(toCredential), ({ appUid }) => appUid);
      return rows.map(
        (row): DueInspection => ({
          app: toApp(row),
          credentials: byApp.get(row.uid) ?? [],
          inspectTime: row.inspectTime,
          knownKeyIds: row.knownKeyIds,
        }),
      );
    },
    async record({ due, nextTime, knownKeyIds, reading, expiries, events }: Inspection) {
      const read = { uid: due.app.uid, inspectTime: due.inspectTime };
      let unpublished: readonly VaultEvent[] = events;
      for (;;) {
        const result = await changes.commit(
          expiries.length === 0 ? undefined : { kind: 'app', uid: read.uid },
          ...unpublished.map(({ dedupeKey }) => isUnpublished.step({ ...read, dedupeKey }, 1)),
          record.step({ ...read, nextTime, knownKeyIds, registrationReading: reading ?? null }, 1),
          ...expiries.map((one) => endsStep(read.uid, one)),
          ...outbox.publish(...unpublished),
        );
        if (result.committed) return true;
        // If another replica was faster, this rejects one event after the other, and then the record.
        if (result.refusedBy >= unpublished.length) return false;
        unpublished = unpublished.filter((_, index) => index !== result.refusedBy);
      }
    },
    async markDueBySecret(secretUri) {
      return (await markDueBySecret.all({ secretUri })).map(({ uid }) => uid);
    },
    async readings(appUids) {
      if (appUids.length === 0) return new Map();
      const rows = await database.select('inspections.readings', (db) =>
        db
          .select({ uid: apps.uid, reading: apps.registrationReading })
          .from(apps)
          .where(and(inArray(apps.uid, [...appUids]), isNotNull(apps.registrationReading))),
      );
      return new Map(rows.flatMap(({ uid, reading }) => (reading === null ? [] : [[uid, reading] as const])));
    },
  };
}
