import { and, asc, count, eq, getTableColumns, gt, lt, max, sql } from 'drizzle-orm';
import { type TenantNames, VAULT, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import { type Database, type Db, placeholder, placeholders, type Step } from '../database_interface.ts';
import type { ChangeRows } from '../replication/announce_changes_to_replicas.ts';
import { sealVersionChanged, versionBytes } from '../rows/seal_versions.ts';
import { type SealedTable, tablesOf } from '../rows/sealed_tables.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { RotatingTenant, TenantKeyStore } from '../tenant_key_store_interface.ts';
import { createResealing } from './reseal_tenant_values.ts';
import { nothingOlder } from './tenant_key_reseal_statements.ts';

interface TenantKeyStoreParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly changes: ChangeRows;
}

/** For commits that seal under the old version. They do not wait for this one. */
const LONGEST_LOCK_WAIT: Duration = 2 * SECOND;
const MOST_ATTEMPTS = 10;

export function createTenantKeyStore({ database, keys, changes }: TenantKeyStoreParts): TenantKeyStore {
  const { deks, tenants } = database.tables;
  const { keyring, rootKeys, sealVersions } = keys;
  const all = placeholders(getTableColumns(deks));
  const resealing = createResealing({ database, keys });

  const isDek = and(eq(deks.tenantUid, all.tenantUid), eq(deks.version, all.version));
  const provenUnused = (name: string, sealed: readonly SealedTable[]) =>
    database.write(name, (db) =>
      db
        .select({ version: deks.version })
        .from(deks)
        .where(and(isDek, nothingOlder(db, sealed))),
    );
  const proveOfTenant = provenUnused('deks.proveUnused', tablesOf(database.tables, ''));
  const proveOfVault = provenUnused('deks.proveUnusedByVault', tablesOf(database.tables, VAULT_UID));
  const proof = ({ tenantUid, version }: RotatingTenant) =>
    (tenantUid === VAULT_UID ? proveOfVault : proveOfTenant).step(
      { tenantUid, version, versionBytes: versionBytes(version) },
      1,
    );
  const raiseFloor = database.write('deks.raiseFloor', (db) =>
    db
      .update(deks)
      .set({ wrapped: placeholder(deks.wrapped, 'after') })
      .where(and(isDek, eq(deks.wrapped, all.wrapped))),
  );
  const deleteOlder = database.write('deks.deleteOlder', (db) =>
    db.delete(deks).where(and(eq(deks.tenantUid, all.tenantUid), lt(deks.version, all.version))),
  );

  const rotating = (db: Db) =>
    db
      .select({ tenantUid: deks.tenantUid, newest: max(deks.version).as('newest') })
      .from(deks)
      .groupBy(deks.tenantUid)
      .having(sql`count(*) > 1`);
  const listRotating = database.rows('deks.rotating', (db) => {
    const page = rotating(db)
      .where(gt(deks.tenantUid, all.tenantUid))
      .orderBy(asc(deks.tenantUid))
      .limit(sql.placeholder('limit'))
      .as('page');
    return db
      .select({ tenantUid: page.tenantUid, version: page.newest, tenantId: tenants.tenantId })
      .from(page)
      .leftJoin(tenants, eq(tenants.uid, page.tenantUid))
      .orderBy(asc(page.tenantUid));
  });
  const countRotating = database.rows('deks.countRotating', (db) =>
    db.select({ count: count() }).from(rotating(db).as('every')),
  );
  const countOwners = database.rows('tenants.sealVersions', (db) =>
    db.select({ version: tenants.sealVersion, owners: count() }).from(tenants).groupBy(tenants.sealVersion),
  );

  /** Rejects if another process has changed the keys of the tenant, or the active root key. */
  async function addDek(tenant: TenantNames, newest: number): Promise<WrappedDek | undefined> {
    const { tenantUid } = tenant;
    const kek = keyring.activeKek();
    const dek = keyring.newDek(tenant, newest + 1);
    const { committed } = await changes.commit(
      { kind: 'data_keys', uid: tenantUid },
      ...(database.limitLockWait === undefined ? [] : [database.limitLockWait(LONGEST_LOCK_WAIT)]),
      // First: while it waits, registrations of tenants must not wait for the root key.
      ...sealVersions.replace(tenantUid, newest),
      rootKeys.replaceActive(kek.id, kek.id),
      keys.insert(dek),
    );
    return committed ? dek : undefined;
  }

  /** Deletes the earlier data keys and raises the floor, after the steps that prove them unused. */
  async function commitRetirement(newest: WrappedDek, before: readonly Step[]): Promise<boolean> {
    const { tenantUid, version } = newest;
    const kek = keyring.activeKek();
    const raised = keyring.raiseFloor(newest);
    const { committed } = await changes.commit(
      { kind: 'data_keys', uid: tenantUid },
      // First: registrations of tenants must not wait for the root key during the search.
      ...before,
      rootKeys.replaceActive(kek.id, kek.id),
      raiseFloor.step({ tenantUid, version, wrapped: newest.wrapped, after: raised.wrapped }, 1),
      deleteOlder.step({ tenantUid, version }),
    );
    if (committed) keyring.readopt([raised]);
    return committed;
  }

  /** In the commit of `sealed`. False: nothing is committed. */
  async function retireAfter({ tenantUid, version }: RotatingTenant, sealed: readonly Step[]): Promise<boolean> {
    const newest = (await keys.read(tenantUid)).find((dek) => dek.version === version);
    return newest !== undefined && commitRetirement(newest, [...sealed, proof(newest)]);
  }

  return {
    vault: VAULT,
    async rotate(tenant) {
      for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        const before = await keys.read(tenant.tenantUid);
        if (before.length > 1) return false;
        keyring.readopt(before);
        const dek = await addDek(tenant, before[0]?.version ?? 0);
        if (dek !== undefined) {
          keyring.adopt(dek);
          return true;
        }
        await rootKeys.read();
      }
      throw sealVersionChanged(tenant.tenantUid);
    },
    async countOwners() {
      const [ofTenants, ofVault] = [await countOwners.all({}), await keys.read(VAULT_UID)];
      const owners = new Map(ofTenants.map(({ version, owners }) => [version, owners]));
      const version = Math.max(...ofVault.map((dek) => dek.version));
      owners.set(version, (owners.get(version) ?? 0) + 1);
      return [...owners]
        .map(([version, owners]) => ({ version, owners }))
        .sort((one, other) => one.version - other.version);
    },
    async versions(tenantUid) {
      return (await keys.read(tenantUid)).map(({ version }) => version).sort((one, other) => one - other);
    },
    countRotating: async () => (await countRotating.first({}))?.count ?? 0,
    async listRotating(afterUid, limit) {
      const rows = await listRotating.all({ tenantUid: afterUid, limit });
      return rows.map(({ tenantUid, tenantId, version }) => ({
        tenantUid,
        tenantId: tenantId ?? VAULT.tenantId,
        version: Number(version),
      }));
    },
    async reseal(tenant, from, limit) {
      const { tenantUid, version } = tenant;
      const { steps, damaged, values, next } = await resealing.sealAgain(tenant, from, limit);
      const done = { resealed: values, damaged, next };
      if (steps.length === 0) return done;
      // Refused if the tenant was deleted meanwhile.
      const sealed = [...steps, sealVersions.has(tenantUid, version)];
      const isSmall = from === undefined && next === undefined && damaged.length === 0;
      if (isSmall && (await retireAfter(tenant, sealed))) return done;
      return (await database.commit(...sealed)).committed ? done : { resealed: 0, damaged: [], next: undefined };
    },
    async retire({ tenantUid, version }) {
      for (;;) {
        const deks = await keys.read(tenantUid);
        const newest = deks.find((dek) => dek.version === version);
        if (deks.length === 1 || newest === undefined) return true;
        // One process with one writer: the search may precede the commit, since no commit adds an older value.
        if (!database.isShared && !(await resealing.hasNothingOlder(newest))) return false;
        const kek = keyring.activeKek();
        if (await commitRetirement(newest, database.isShared ? [proof(newest)] : [])) return true;
        await rootKeys.read();
        const again = (await keys.read(tenantUid)).find((dek) => dek.version === version);
        // Otherwise the data key was wrapped under another root key meanwhile.
        const isRootKey = kek.id.equals(keyring.activeKek().id);
        if (isRootKey && again !== undefined && isSame(again, newest)) return false;
      }
    },
    shredSoon: () => database.shredSoon(),
  };
}

function isSame(one: WrappedDek, other: WrappedDek): boolean {
  return Buffer.from(one.wrapped).equals(other.wrapped);
}
