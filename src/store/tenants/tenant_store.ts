import { and, asc, count, eq, getTableColumns, gt, inArray, sql } from 'drizzle-orm';
import { isVaultError } from '../../model/errors.ts';
import { changedSinceRead } from '../../model/etag.ts';
import type { Tenant } from '../../model/tenant.ts';
import { ACCESS_PREFIX } from '../../model/tenant_labels.ts';
import type { AppRows } from '../apps/app_rows.ts';
import type { CredentialRows } from '../apps/credential_rows.ts';
import { placeholders } from '../database_interface.ts';
import { toPage } from '../rows/keyset_pagination.ts';
import { withoutNulls } from '../rows/nulls.ts';
import type { StoreParts } from '../rows/store_parts.ts';
import type { TenantStore } from '../store_interfaces.ts';
import type { Row } from '../table_definitions.ts';
import { createTenantDeletion } from './delete_tenant_in_batches.ts';

type TenantRow = Omit<Row<'tenants'>, 'sealVersion'> & { readonly nextCredentialExpireTime: number | null };

export function createTenantStore(
  { database, keys, changes }: StoreParts,
  { appRows, credentialRows }: { appRows: AppRows; credentialRows: CredentialRows },
): TenantStore {
  const { tenants, apps, connections } = database.tables;
  const { sealVersion: _version, ...columns } = getTableColumns(tenants);
  const all = placeholders(columns);
  const { uid, tenantId, createTime: _, ...changeable } = all;
  // Raw names: drizzle omits the table of a column if a select has only one table.
  const nextCredentialExpireTime = sql<number | null>`
    (SELECT min(c.expire_time) FROM credentials AS c WHERE c.tenant_uid = tenants.uid)`.mapWith(tenants.createTime);
  const withEnds = { ...columns, nextCredentialExpireTime };
  const unchanged = and(eq(tenants.uid, uid), eq(tenants.version, all.version));

  const insert = database.write('tenants.insert', (db) => db.insert(tenants).values({ ...all, sealVersion: sql`1` }));
  const find = database.rows('tenants.find', (db) =>
    db.select(withEnds).from(tenants).where(eq(tenants.tenantId, tenantId)),
  );
  const update = database.write('tenants.update', (db) =>
    db
      .update(tenants)
      .set({ ...changeable, version: sql`${tenants.version} + 1` })
      .where(unchanged),
  );
  const countConnections = database.rows('tenants.countConnections', (db) =>
    db.select({ count: count() }).from(connections).where(eq(connections.tenantUid, uid)),
  );
  const countForeign = database.rows('tenants.countForeignConnections', (db) =>
    db
      .select({ count: count() })
      .from(apps)
      .innerJoin(connections, eq(connections.appUid, apps.uid))
      .where(and(eq(apps.tenantUid, uid), sql`${connections.tenantUid} <> ${uid}`)),
  );

  /** Callers are authorized by the name, and everything else of a tenant is found by the uid. */
  async function named(row: TenantRow): Promise<Tenant> {
    await keys.checkName({ tenantUid: row.uid, tenantId: row.tenantId });
    return withoutNulls(row);
  }

  async function countOwn(tenantUid: string): Promise<number> {
    return (await countConnections.first({ uid: tenantUid }))?.count ?? 0;
  }

  async function countForeignConnections(tenantUid: string): Promise<number> {
    return (await countForeign.first({ uid: tenantUid }))?.count ?? 0;
  }

  const deleteTenant = createTenantDeletion({ database, keys, changes, countForeignConnections });

  return {
    async register({ tenant, app, credential }) {
      const dek = keys.keyring.newDek({ tenantUid: tenant.uid, tenantId: tenant.tenantId });
      keys.keyring.adopt(dek);
      try {
        await keys.commitNew(
          dek,
          insert.step({ ...tenant }, 1),
          ...(app === undefined ? [] : [appRows.insert(app)]),
          ...(credential === undefined ? [] : [credentialRows.insert(app, credential)]),
        );
      } catch (error) {
        keys.keyring.forget(tenant.uid);
        throw error;
      }
    },
    async find(tenantId) {
      const row = await find.first({ tenantId });
      return row && (await named(row).catch(ifDeleted));
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
      const { items, next } = toPage<TenantRow, TenantRow>(
        rows,
        page,
        (row) => row.tenantId,
        (row) => row,
      );
      const rowsOfPage = items.map((row) => ({ ...row, tenantUid: row.uid }));
      const nameOf = ({ tenantId }: TenantRow) => `tenants/${tenantId}`;
      return { ...(await keys.openPage(rowsOfPage, nameOf, ({ tenantUid: _, ...row }) => named(row))), next };
    },
    async withAccessLabels(tenantUid) {
      const hasLabels = sql`CAST(${tenants.labels} AS text) LIKE ${`%"${ACCESS_PREFIX}%`}`;
      const isOne = tenantUid === undefined ? undefined : eq(tenants.uid, tenantUid);
      const rows = await database.select('tenants.withAccessLabels', (db) =>
        db
          .select({ uid: tenants.uid, tenantId: tenants.tenantId, labels: tenants.labels })
          .from(tenants)
          .where(and(isOne, hasLabels)),
      );
      // A value may have the prefix, too.
      return rows.filter(({ labels }) => Object.keys(labels).some((key) => key.startsWith(ACCESS_PREFIX)));
    },
    async update(before, after) {
      const { uid, version } = before;
      const isResumed = before.state === 'SUSPENDED' && after.state === 'ACTIVE';
      const { committed } = await changes.commit(
        { kind: 'tenant', uid },
        update.step({ ...after, uid, version }, 1),
        ...(isResumed ? [appRows.makeInspectionsDue(uid)] : []),
        ...(sameDays(before.expiryThresholds, after.expiryThresholds) ? [] : [credentialRows.makeDue(uid)]),
      );
      if (!committed) throw changedSinceRead(`tenants/${before.tenantId}`);
      return { ...after, version: before.version + 1 };
    },
    async delete(tenant, suspended) {
      await deleteTenant(tenant, await countOwn(tenant.uid), suspended);
    },
    refreshKeys: keys.refresh,
    countConnections: countOwn,
    countForeignConnections,
  };
}

/** Between the two reads. */
function ifDeleted(error: unknown): undefined {
  if (!isVaultError(error, 'TENANT_NOT_FOUND')) throw error;
}

function sameDays(one: readonly number[] | undefined, other: readonly number[] | undefined): boolean {
  return one?.join() === other?.join();
}
