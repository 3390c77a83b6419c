import { asc, eq, sql } from 'drizzle-orm';
import { type Database, placeholder } from '../database_interface.ts';
import { TOTAL, turnOf } from '../rows/take_turns.ts';
import type { AppProblemStore } from '../store_interfaces.ts';

export function createAppProblemStore(database: Database): AppProblemStore {
  const { apps, rotations, tenants } = database.tables;
  const limit = sql.placeholder('limit');
  const { tenantId, appId } = apps;
  const failing = database.rows('apps.failing', (db) =>
    db
      .select({ tenantId, appId, stateReason: apps.stateReason, total: TOTAL })
      .from(apps)
      .innerJoin(tenants, eq(tenants.uid, apps.tenantUid))
      .where(sql`${apps.state} <> 'OK' AND NOT ${apps.suspended} AND ${tenants.state} = 'ACTIVE'`)
      .orderBy(turnOf(apps.tenantUid, asc(appId)), asc(tenantId))
      .limit(limit),
  );
  const isBlocked = sql<number>`CASE WHEN ${rotations.problem} IS NULL THEN 0 ELSE 1 END`;
  const before = placeholder(rotations.beginTime, 'before');
  const unfinished = database.rows('rotations.unfinished', (db) =>
    db
      .select({ tenantId, appId, isBlocked, beginTime: rotations.beginTime, total: TOTAL })
      .from(rotations)
      .innerJoin(apps, eq(apps.uid, rotations.appUid))
      .where(sql`${rotations.problem} IS NOT NULL OR ${rotations.beginTime} <= ${before}`)
      .orderBy(turnOf(apps.tenantUid, asc(rotations.beginTime)), asc(tenantId))
      .limit(limit),
  );

  return {
    async failing(limit) {
      const found = await failing.all({ limit });
      const rows = found.map(({ stateReason, tenantId, appId }) => ({
        tenantId,
        appId,
        reason: stateReason?.reason ?? 'APP_MISCONFIGURED',
        stateReason: stateReason ?? undefined,
      }));
      return { rows, total: found[0]?.total ?? 0 };
    },
    async unfinishedRotations(before, limit) {
      const found = await unfinished.all({ before, limit });
      const rows = found.map(({ tenantId, appId, beginTime, isBlocked }) => ({
        tenantId,
        appId,
        beginTime,
        isBlocked: isBlocked === 1,
      }));
      return { rows, total: found[0]?.total ?? 0 };
    },
  };
}
