import { and, asc, count, eq, getTableColumns, min, sql } from 'drizzle-orm';
import { DAY, type Duration } from '../../model/clock.ts';
import { isVaultError } from '../../model/errors.ts';
import type { RotationAdvance, RotationStore } from '../background_store_interfaces.ts';
import { placeholder, placeholders, type Step } from '../database_interface.ts';
import { withoutNulls } from '../rows/nulls.ts';
import { createDueRows } from '../rows/select_due_rows.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { AppRows } from './app_rows.ts';
import type { CredentialRows } from './credential_rows.ts';

/** A rotation waits for at most a day; clocks of replicas differ a little. */
const LONGEST_WAIT: Duration = 2 * DAY;

export function createRotationStore(
  { database, keys, outbox, changes }: StoreParts,
  { appRows, credentialRows }: { appRows: AppRows; credentialRows: CredentialRows },
): RotationStore {
  const { rotations, apps, credentials } = database.tables;
  const all = placeholders(getTableColumns(rotations));
  const { uid: _, appUid: __, version: ___, ...moving } = all;
  const isAsRead = and(eq(rotations.uid, all.uid), eq(rotations.version, all.version));

  const find = database.rows('rotations.find', (db) =>
    db.select().from(rotations).where(eq(rotations.appUid, all.appUid)),
  );
  const due = createDueRows(database, 'rotations.due', {
    time: rotations.nextTime,
    longestWait: LONGEST_WAIT,
    select: (when) => (db) =>
      db.select().from(rotations).where(when).orderBy(asc(rotations.nextTime)).limit(sql.placeholder('limit')),
  });
  const isFailing = sql<number>`CASE WHEN problem IS NULL THEN 0 ELSE 1 END`;
  const counts = database.rows('rotations.counts', (db) =>
    db
      .select({ step: rotations.step, isFailing, count: count(), oldestBeginTime: min(rotations.beginTime) })
      .from(rotations)
      .groupBy(rotations.step, isFailing),
  );
  const keyId = placeholder(credentials.entraKeyId, 'keyId');
  const kind = placeholder(credentials.kind, 'kind');
  const elsewhere = database.rows('rotations.elsewhere', (db) =>
    db
      .select({ uid: credentials.uid })
      .from(apps)
      .innerJoin(credentials, eq(credentials.appUid, apps.uid))
      .where(
        sql`${apps.clientId} = ${placeholder(apps.clientId, 'clientId')} AND coalesce(${credentials.entraKeyId}, ${keyId}) = ${keyId}
          AND (${credentials.kind} = 'KEY_VAULT_SECRET' AND ${kind} = 'CLIENT_SECRET' OR ${credentials.kind} = ${kind}
            AND ${credentials.hint} = ${placeholder(credentials.hint, 'hint')} AND ${apps.uid} <> ${placeholder(apps.uid, 'appUid')})`,
      )
      .limit(1),
  );
  const begin = database.write(
    'rotations.begin',
    (db) => db.insert(rotations).values(all).onConflictDoNothing(),
    'APP_NOT_FOUND',
  );
  const move = database.write('rotations.move', (db) =>
    db
      .update(rotations)
      .set({ ...moving, version: sql`${rotations.version} + 1` })
      .where(isAsRead),
  );
  const end = database.write('rotations.end', (db) => db.delete(rotations).where(isAsRead));

  function stepsOf({ before, after, add, prefer, remove, events = [] }: RotationAdvance): Step[] {
    const { uid, version } = before;
    return [
      // First: if it is not fenced, the app exists.
      after === undefined ? end.step({ uid, version }, 1) : move.step({ ...after, uid, version }, 1),
      ...(add === undefined ? [] : [credentialRows.insert(add.app, add.credential)]),
      ...(prefer === undefined ? [] : [credentialRows.prefer(prefer.credentialUid, prefer.time)]),
      ...(remove === undefined ? [] : [credentialRows.remove(remove)]),
      ...(add === undefined && remove === undefined ? [] : [appRows.makeInspectionDue(before.appUid)]),
      ...outbox.publish(...events),
    ];
  }

  return {
    async find(appUid) {
      const row = await find.first({ appUid });
      return row && withoutNulls(row);
    },
    due: async (now, limit) => (await due(now, limit)).map(withoutNulls),
    async isUsedElsewhere({ uid, clientId }, { kind, hint }, keyId) {
      return (await elsewhere.first({ appUid: uid, clientId, kind, hint, keyId })) !== undefined;
    },
    async counts() {
      return (await counts.all({})).map((row) => ({
        ...row,
        isFailing: row.isFailing === 1,
        oldestBeginTime: row.oldestBeginTime ?? 0,
      }));
    },
    async begin(rotation) {
      try {
        return (await begin.run({ ...rotation })) > 0;
      } catch (error) {
        if (isVaultError(error, 'APP_NOT_FOUND')) return false;
        throw error;
      }
    },
    async advance(advance) {
      try {
        const { before, add, prefer, remove } = advance;
        const isCached = (add ?? prefer ?? remove) !== undefined;
        const change = isCached ? ({ kind: 'app', uid: before.appUid } as const) : undefined;
        const seal = () => stepsOf(advance);
        const commit = (...steps: readonly Step[]) => changes.commit(change, ...steps);
        const result = await (add === undefined
          ? commit(...seal())
          : keys.commitSealed(add.app.tenantUid, seal, commit));
        return result.committed;
      } catch (error) {
        // The tenant was deleted with its keys and apps.
        if (isVaultError(error, 'TENANT_NOT_FOUND')) return false;
        throw error;
      }
    },
  };
}
