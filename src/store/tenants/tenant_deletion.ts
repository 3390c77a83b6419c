import { setImmediate } from 'node:timers/promises';
import { and, eq, inArray, sql } from 'drizzle-orm';
import { VaultError } from '../../model/errors.ts';
import type { Tenant } from '../../model/tenant.ts';
import { type Database, placeholder } from '../database.ts';
import type { TenantKeys } from '../rows/tenant_keys.ts';

interface TenantDeletionParts {
  database: Database;
  keys: TenantKeys;
  countForeignConnections: (tenantUid: string) => Promise<number>;
}

/** Deleting a connection touches a dozen indexes: so many take about 20 ms, for which SQLite holds the event loop. */
const BATCH = 250;
/** An event lies in four places only. */
const EVENT_BATCH = 1_000;

/**
 * In one commit, where the tenant has few connections and events. One with many is suspended first and loses them batch
 * by batch, so that nobody else waits; after a crash in between it is still there, suspended, and can be deleted again.
 */
export function createTenantDeletion({ database, keys, countForeignConnections }: TenantDeletionParts) {
  const { tenants, apps, connections, outbox } = database.tables;
  const uid = placeholder(tenants.uid, 'uid');
  const unchanged = and(eq(tenants.uid, uid), eq(tenants.version, placeholder(tenants.version, 'version')));

  const suspend = database.write('tenants.suspendForDeletion', (db) =>
    db
      .update(tenants)
      .set({ state: 'SUSPENDED', version: sql`${tenants.version} + 1` })
      .where(unchanged),
  );
  const deleteBatch = database.write('tenants.deleteBatch', (db) =>
    db
      .delete(connections)
      .where(
        inArray(
          connections.uid,
          db.select({ uid: connections.uid }).from(connections).where(eq(connections.tenantUid, uid)).limit(BATCH),
        ),
      ),
  );
  const deleteConnections = database.write('tenants.deleteConnections', (db) =>
    db.delete(connections).where(eq(connections.tenantUid, uid)),
  );
  // They hold the tenant's external ids. So no connection that goes with its tenant writes an event of its own: it would go with it too.
  const deleteEvents = database.write('tenants.deleteEvents', (db) =>
    db.delete(outbox).where(eq(outbox.tenantUid, uid)),
  );
  const deleteEventBatch = database.write('tenants.deleteEventBatch', (db) =>
    db
      .delete(outbox)
      .where(
        inArray(
          outbox.sequence,
          db.select({ sequence: outbox.sequence }).from(outbox).where(eq(outbox.tenantUid, uid)).limit(EVENT_BATCH),
        ),
      ),
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
    // Before anything is gone; the commit at the end asks again.
    if ((await countForeignConnections(tenant.uid)) > 0) {
      throw new VaultError('APP_IN_USE', 'Connections of other tenants still go through an app of this tenant.');
    }
    const { uid, version } = tenant;
    if ((await suspend.run({ uid, version })) === 0) throw tenantChanged(tenant);
    suspended();
    while ((await deleteBatch.run({ uid })) === BATCH) await setImmediate();
    while ((await deleteEventBatch.run({ uid })) === EVENT_BATCH) await setImmediate();
  }

  return async (tenant: Tenant, connectionCount: number, suspended: () => void = () => {}): Promise<void> => {
    const { uid } = tenant;
    const large = connectionCount > BATCH || (await manyEvents.first({ uid })) !== undefined;
    if (large) await deleteInBatches(tenant, suspended);
    const result = await database.commit(
      deleteConnections.step({ uid }),
      deleteEvents.step({ uid }),
      deleteApps.step({ uid }),
      keys.deleteAll(uid),
      deleteTenant.step({ uid, version: tenant.version + (large ? 1 : 0) }, 1),
    );
    if (!result.committed) throw tenantChanged(tenant);
    keys.keyring.forget(uid);
    await database.shred();
  };
}

export function tenantChanged(tenant: Tenant): VaultError {
  const resource = `tenants/${tenant.tenantId}`;
  return new VaultError(
    'ETAG_MISMATCH',
    `${resource} changed since it was read; read it again and repeat the change.`,
    {
      metadata: { resource },
    },
  );
}
