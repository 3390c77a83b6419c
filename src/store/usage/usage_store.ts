import { and, desc, eq, getTableColumns, gte, inArray, sql } from 'drizzle-orm';
import { type Database, placeholder, placeholders, type Step } from '../database_interface.ts';
import type { UsageStore, Use } from '../usage_store_interface.ts';

/** A caller is asked for by a person, so more would not be read. */
const MOST_CALLERS = 100;

export function createUsageStore(database: Database): UsageStore {
  const { connectionUse, connectionCallers, callerUse } = database.tables;
  const { connectionUid, caller } = placeholders({
    connectionUid: connectionCallers.connectionUid,
    caller: connectionCallers.caller,
  });
  const lastServedTime = placeholder(connectionUse.lastServedTime, 'time');
  // A value in a SELECT has no type of its own on PostgreSQL.
  const time = sql`CAST(${lastServedTime} AS bigint)`;
  const isConnection = sql`FROM connections WHERE uid = ${connectionUid}`;

  const saveConnection = database.write('usage.connection', (db) =>
    db
      .insert(connectionUse)
      .select(sql`SELECT uid, ${time} ${isConnection}`)
      .onConflictDoUpdate({
        target: connectionUse.connectionUid,
        set: { lastServedTime: sql`excluded.last_served_time` },
        setWhere: sql`excluded.last_served_time > connection_use.last_served_time`,
      }),
  );
  const saveCaller = database.write('usage.connectionCaller', (db) =>
    db
      .insert(connectionCallers)
      .select(sql`SELECT uid, CAST(${caller} AS text), tenant_uid, ${time} ${isConnection}`)
      .onConflictDoUpdate({
        target: [connectionCallers.connectionUid, connectionCallers.caller],
        set: { lastServedTime: sql`excluded.last_served_time` },
        setWhere: sql`excluded.last_served_time > connection_callers.last_served_time`,
      }),
  );
  const credential = placeholders(getTableColumns(callerUse));
  const saveCredential = database.write('usage.credential', (db) =>
    db
      .insert(callerUse)
      .values(credential)
      .onConflictDoUpdate({
        target: [callerUse.caller, callerUse.credentialId],
        set: { lastUseTime: sql`excluded.last_use_time` },
        setWhere: sql`excluded.last_use_time > caller_use.last_use_time`,
      }),
  );
  const findCallers = database.rows('usage.callersOf', (db) =>
    db
      .select({ caller: connectionCallers.caller, lastServedTime: connectionCallers.lastServedTime })
      .from(connectionCallers)
      .where(
        and(
          eq(connectionCallers.connectionUid, connectionUid),
          gte(connectionCallers.lastServedTime, placeholder(connectionCallers.lastServedTime, 'since')),
        ),
      )
      .orderBy(desc(connectionCallers.lastServedTime))
      .limit(MOST_CALLERS),
  );
  const credentials = database.rows('usage.credentials', (db) => db.select().from(callerUse));
  const tenantCounts = database.rows('usage.tenantCounts', (db) =>
    db
      .select({
        caller: connectionCallers.caller,
        tenants: sql<number>`count(DISTINCT ${connectionCallers.tenantUid})`.mapWith(Number),
      })
      .from(connectionCallers)
      .groupBy(connectionCallers.caller),
  );
  const limit = sql.placeholder('limit');
  // Checked twice, because a row may be used while the DELETE waits for its lock.
  const isOld = sql`last_served_time < ${placeholder(connectionCallers.lastServedTime, 'time')}`;
  const sweep = database.write('usage.sweep', (db) =>
    db.delete(connectionCallers).where(
      sql`${isOld} AND (${connectionCallers.connectionUid}, ${connectionCallers.caller}) IN (
        SELECT connection_uid, caller FROM connection_callers WHERE ${isOld} ORDER BY last_served_time LIMIT ${limit})`,
    ),
  );
  const isUnused = sql`last_use_time < ${placeholder(callerUse.lastUseTime, 'time')}`;
  const sweepCredentials = database.write('usage.sweepCredentials', (db) =>
    db.delete(callerUse).where(
      sql`${isUnused} AND (${callerUse.caller}, ${callerUse.credentialId}) IN (
        SELECT caller, credential_id FROM caller_use WHERE ${isUnused} LIMIT ${limit})`,
    ),
  );

  function stepsOf(use: Use): readonly Step[] {
    if (use.kind === 'credential') {
      const { caller, credentialId, time } = use;
      return [saveCredential.step({ caller, credentialId, lastUseTime: time })];
    }
    const { connectionUid, caller, time } = use;
    if (caller === undefined) return [saveConnection.step({ connectionUid, time })];
    return [saveCaller.step({ connectionUid, caller, time })];
  }

  return {
    async record(uses) {
      await database.commit(...uses.flatMap(stepsOf));
    },
    async lastServedTimes(uids) {
      if (uids.length === 0) return new Map();
      const rows = await database.select('usage.lastServedTimes', (db) =>
        db
          .select()
          .from(connectionUse)
          .where(inArray(connectionUse.connectionUid, [...uids])),
      );
      return new Map(rows.map((row) => [row.connectionUid, row.lastServedTime]));
    },
    callersOf: (connectionUid, since) => findCallers.all({ connectionUid, since }),
    async credentials() {
      const rows = await credentials.all({});
      return rows.map(({ caller, credentialId, lastUseTime }) => ({ caller, credentialId, time: lastUseTime }));
    },
    async tenantCounts() {
      return new Map((await tenantCounts.all({})).map(({ caller, tenants }) => [caller, tenants]));
    },
    sweepConnectionCallers: (time, limit) => sweep.run({ time, limit }),
    sweepCredentials: (time, limit) => sweepCredentials.run({ time, limit }),
  };
}
