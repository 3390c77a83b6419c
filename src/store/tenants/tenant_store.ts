import { and, asc, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm';
import type { Timestamp } from '../../model/clock.ts';
import type { Tenant } from '../../model/tenant.ts';
import type { AppRows } from '../apps/app_rows.ts';
import { type Database, placeholder, placeholders } from '../database.ts';
import { toPage } from '../rows/page_keys.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';
import type { TenantStore } from '../stores.ts';
import type { Row } from '../tables.ts';
import { createTenantDeletion, tenantChanged } from './tenant_deletion.ts';

interface TenantStoreParts {
  database: Database;
  keys: TenantKeys;
  appRows: AppRows;
}

export function createTenantStore({ database, keys, appRows }: TenantStoreParts): TenantStore {
  const { tenants, apps, connections } = database.tables;
  const columns = getTableColumns(tenants);
  const all = placeholders(columns);
  // By raw names: drizzle leaves the table out of a column's name where a select has one table.
  const nextCredentialExpireTime = sql<number | null>`
    (SELECT min(c.expire_time) FROM credentials AS c WHERE c.tenant_uid = tenants.uid)`.mapWith(tenants.createTime);
  const withEnds = { ...columns, nextCredentialExpireTime };
  const uid = placeholder(tenants.uid, 'uid');
  const unchanged = and(eq(tenants.uid, uid), eq(tenants.version, placeholder(tenants.version, 'version')));

  const insert = database.write('tenants.insert', (db) => db.insert(tenants).values(all));
  const find = database.rows('tenants.find', (db) =>
    db
      .select(withEnds)
      .from(tenants)
      .where(eq(tenants.tenantId, placeholder(tenants.tenantId, 'tenantId'))),
  );
  const update = database.write('tenants.update', (db) =>
    db
      .update(tenants)
      .set({
        displayName: all.displayName,
        labels: all.labels,
        state: all.state,
        catalog: all.catalog,
        allowedDirectoryIds: all.allowedDirectoryIds,
        expiryThresholds: all.expiryThresholds,
        updateTime: all.updateTime,
        version: sql`${tenants.version} + 1`,
      })
      .where(unchanged),
  );
  const countConnections = database.rows('tenants.countConnections', (db) =>
    db
      .select({ count: sql<number>`count(*)`.mapWith(Number) })
      .from(connections)
      .where(eq(connections.tenantUid, uid)),
  );
  const countForeign = database.rows('tenants.countForeignConnections', (db) =>
    db
      .select({ count: sql<number>`count(*)`.mapWith(Number) })
      .from(apps)
      .innerJoin(connections, eq(connections.appUid, apps.uid))
      .where(and(eq(apps.tenantUid, uid), sql`${connections.tenantUid} <> ${uid}`)),
  );

  async function countOwn(tenantUid: string): Promise<number> {
    return (await countConnections.first({ uid: tenantUid }))?.count ?? 0;
  }

  async function countForeignConnections(tenantUid: string): Promise<number> {
    return (await countForeign.first({ uid: tenantUid }))?.count ?? 0;
  }

  const deleteTenant = createTenantDeletion({ database, keys, countForeignConnections });

  return {
    async register({ tenant, app, credential }) {
      const dek = keys.keyring.newDek(tenant.uid);
      keys.keyring.adopt(dek);
      try {
        await database.commit(
          insert.step(toRow(tenant), 1),
          keys.insert(dek),
          ...(app === undefined ? [] : [appRows.insert(app)]),
          ...(credential === undefined ? [] : [appRows.credentials.insert(app, credential)]),
        );
      } catch (error) {
        keys.keyring.forget(tenant.uid);
        throw error;
      }
    },
    async find(tenantId) {
      const row = await find.first({ tenantId });
      return row && toTenant(row);
    },
    async list(page, tenantIds) {
      const rows = await database.select('tenants.list', (db) =>
        db
          .select(withEnds)
          .from(tenants)
          .where(
            and(
              page.after === undefined ? undefined : gt(tenants.tenantId, page.after),
              tenantIds === undefined ? undefined : inArray(tenants.tenantId, [...tenantIds]),
            ),
          )
          .orderBy(asc(tenants.tenantId))
          .limit(page.size + 1),
      );
      return toPage(rows, page, (row) => row.tenantId, toTenant);
    },
    async update(before, after) {
      const { uid, version } = before;
      const isResumed = before.state === 'SUSPENDED' && after.state === 'ACTIVE';
      const { committed } = await database.commit(
        update.step({ ...toRow(after), uid, version }, 1),
        ...(isResumed ? [appRows.makeInspectionsDue(uid)] : []),
        ...(sameDays(before.expiryThresholds, after.expiryThresholds) ? [] : [appRows.credentials.makeDue(uid)]),
      );
      if (!committed) throw tenantChanged(before);
      return { ...after, version: before.version + 1 };
    },
    async delete(tenant, suspended) {
      await deleteTenant(tenant, await countOwn(tenant.uid), suspended);
    },
    countConnections: countOwn,
    countForeignConnections,
  };
}

function toRow(tenant: Tenant): Row<'tenants'> {
  const { nextCredentialExpireTime: _, expiryThresholds, ...row } = tenant;
  return { ...row, expiryThresholds: expiryThresholds ?? null };
}

function toTenant(row: Row<'tenants'> & { nextCredentialExpireTime: Timestamp | null }): Tenant {
  return {
    ...row,
    expiryThresholds: row.expiryThresholds ?? undefined,
    nextCredentialExpireTime: row.nextCredentialExpireTime ?? undefined,
  };
}

function sameDays(one: readonly number[] | undefined, other: readonly number[] | undefined): boolean {
  return one?.join() === other?.join();
}
