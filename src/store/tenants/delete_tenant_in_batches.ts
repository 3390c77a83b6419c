import { setImmediate } from 'node:timers/promises';
import { and, eq, sql } from 'drizzle-orm';
import { VaultError } from '../../model/errors.ts';
import { changedSinceRead } from '../../model/etag.ts';
import type { Tenant } from '../../model/tenant.ts';
import { type Database, placeholder } from '../database_interface.ts';
import type { ChangeRows } from '../replication/announce_changes_to_replicas.ts';
import { deleteUpTo } from '../rows/delete_up_to.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';

interface TenantDeletionParts {
  database: Database;
  keys: TenantKeys;
  changes: ChangeRows;
  countForeignConnections: (tenantUid: string) => Promise<number>;
}

/** Deleting a connection updates a dozen indexes. A batch takes about 20 ms, during which SQLite blocks the event loop. */
const BATCH = 250;
/** An event is in three indexes only. */
const EVENT_BATCH = 1_000;

/**
 * Deletes a tenant with few connections and events in one commit. A larger tenant is suspended first and deleted in batches, so that other
 * callers are not delayed. After a crash in between, it still exists, is suspended, and can be deleted again.
 */
export function createTenantDeletion({ database, keys, changes, countForeignConnections }: TenantDeletionParts) {
  const { tenants, apps, connections, outbox } = database.tables;
  const uid = placeholder(tenants.uid, 'uid');
  const unchanged = and(eq(tenants.uid, uid), eq(tenants.version, placeholder(tenants.version, 'version')));

  const suspend = database.write('tenants.suspendForDeletion', (db) =>
    db
      .update(tenants)
      .set({ state: 'SUSPENDED', version: sql`${tenants.version} + 1` })
      .where(unchanged),
  );
  const ofTenant = eq(connections.tenantUid, uid);
  const deleteBatch = database.write(
    'tenants.deleteBatch',
    deleteUpTo(BATCH, { table: connections, key: connections.uid, where: ofTenant }),
  );
  const deleteConnections = database.write('tenants.deleteConnections', (db) => db.delete(connections).where(ofTenant));
  // Events contain external ids of the tenant. Connections that are deleted with their tenant write no event: it would be deleted too.
  const deleteEvents = database.write('tenants.deleteEvents', (db) =>
    db.delete(outbox).where(eq(outbox.tenantUid, uid)),
  );
  const deleteEventBatch = database.write(
    'tenants.deleteEventBatch',
    deleteUpTo(EVENT_BATCH, { table: outbox, key: outbox.sequence, where: eq(outbox.tenantUid, uid) }),
  );
  const manyEvents = database.rows('tenants.manyEvents', (db) =>
    db.select({ sequence: outbox.sequence }).from(outbox).where(eq(outbox.tenantUid, uid)).limit(1).offset(EVENT_BATCH),
  );
  const deleteApps = database.write(
    'tenants.deleteApps',
    (db) => db.delete(apps).where(eq(apps.tenantUid, uid)),
    'APP_IN_USE',
  );
  const deleteTenant = database.write('tenants.delete', (db) => db.delete(tenants).where(unchanged));

  async function deleteInBatches(tenant: Tenant, suspended: () => void): Promise<void> {
    // Before anything is deleted; the last commit checks it again.
    if ((await countForeignConnections(tenant.uid)) > 0) {
      throw new VaultError(
        'APP_IN_USE',
        'Connections of other tenants still use an app of this tenant. Delete them first.',
      );
    }
    const { uid, version } = tenant;
    const { committed } = await changes.commit({ kind: 'tenant', uid }, suspend.step({ uid, version }, 1));
    if (!committed) throw changedSinceRead(`tenants/${tenant.tenantId}`);
    suspended();
    while ((await deleteBatch.run({ uid })) === BATCH) await setImmediate();
    while ((await deleteEventBatch.run({ uid })) === EVENT_BATCH) await setImmediate();
  }

  return async (tenant: Tenant, connectionCount: number, suspended: () => void = () => {}): Promise<void> => {
    const { uid } = tenant;
    const large = connectionCount > BATCH || (await manyEvents.first({ uid })) !== undefined;
    if (large) await deleteInBatches(tenant, suspended);
    const result = await changes.commit(
      { kind: 'tenant', uid },
      deleteConnections.step({ uid }),
      deleteEvents.step({ uid }),
      deleteApps.step({ uid }),
      keys.deleteAll(uid),
      deleteTenant.step({ uid, version: tenant.version + (large ? 1 : 0) }, 1),
    );
    if (!result.committed) throw changedSinceRead(`tenants/${tenant.tenantId}`);
    keys.keyring.forget(uid);
    await database.shred();
  };
}
