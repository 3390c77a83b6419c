import { setImmediate } from 'node:timers/promises';
import { and, asc, count, eq, getTableColumns, gt, lt, max, sql } from 'drizzle-orm';
import { type TenantNames, VAULT, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import { corruptCause, dekVersionOf } from '../../keyring/sealed_record.ts';
import { type Duration, SECOND } from '../../model/clock.ts';
import { type Database, type Db, placeholder, placeholders, type Step } from '../database_interface.ts';
import type { ChangeRows } from '../replication/announce_changes_to_replicas.ts';
import { sealVersionChanged, versionBytes } from '../rows/seal_versions.ts';
import { nameOf, type SealedRow, type SealedTable, tablesOf, valuesIn } from '../rows/sealed_tables.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { DamagedSeal, ResealPosition, RotatingTenant, TenantKeyStore } from '../tenant_key_store_interface.ts';
import {
  createResealStatements,
  LAST_ID,
  nothingOlder,
  type ResealStatements,
  valuesToSave,
} from './tenant_key_reseal_statements.ts';

interface TenantKeyStoreParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly changes: ChangeRows;
}

const ROWS_A_TURN = 5;
const START: ResealPosition = { table: 0, after: '' };
/** Connections or apps of a range that is searched for values of earlier versions. */
const SEARCHED_AT_ONCE = 200;
/** For commits that seal under the old version. They do not wait for this one. */
const LONGEST_LOCK_WAIT: Duration = 2 * SECOND;
const MOST_ATTEMPTS = 10;

export function createTenantKeyStore({ database, keys, changes }: TenantKeyStoreParts): TenantKeyStore {
  const { deks, tenants } = database.tables;
  const { keyring, rootKeys, sealVersions } = keys;
  const all = placeholders(getTableColumns(deks));
  const tables = {
    ofTenant: tablesOf(database.tables, ''),
    ofVault: tablesOf(database.tables, VAULT_UID),
  };
  const reseals = {
    ofTenant: tables.ofTenant.map((one) => createResealStatements(database, one)),
    ofVault: tables.ofVault.map((one) => createResealStatements(database, one)),
  };
  const kindOf = (tenantUid: string) => (tenantUid === VAULT_UID ? 'ofVault' : 'ofTenant');

  const isDek = and(eq(deks.tenantUid, all.tenantUid), eq(deks.version, all.version));
  const provenUnused = (name: string, sealed: readonly SealedTable[]) =>
    database.write(name, (db) =>
      db
        .select({ version: deks.version })
        .from(deks)
        .where(and(isDek, nothingOlder(db, sealed))),
    );
  const prove = {
    ofTenant: provenUnused('deks.proveUnused', tables.ofTenant),
    ofVault: provenUnused('deks.proveUnusedByVault', tables.ofVault),
  };
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

  /** Seals values of earlier versions again. */
  async function resealRow(sealed: SealedTable, row: SealedRow, { tenantUid, version }: RotatingTenant) {
    const after: Record<string, Buffer> = {};
    const damaged: DamagedSeal[] = [];
    for (const { column, property, place, bytes } of valuesIn(sealed, row)) {
      if ((dekVersionOf(bytes) ?? 0) >= version) continue;
      try {
        await keys.ready(tenantUid, bytes);
        const plaintext = keyring.open(place, bytes);
        after[property] = keyring.seal(place, plaintext);
        plaintext.fill(0);
      } catch (error) {
        if (corruptCause(error) === undefined) throw error;
        damaged.push({ table: nameOf(sealed), column: column.name, uid: place.recordUid });
      }
    }
    return { after, damaged };
  }

  function pendingIn(one: ResealStatements, { tenantUid, version }: RotatingTenant, from: string, to = LAST_ID) {
    return one.pending.all({ tenantUid, versionBytes: versionBytes(version), from, to });
  }

  /**
   * One process with one writer: the search may be in parts, since no commit adds an older value. In one statement it
   * would block the event loop, for 3 s with 100,000 connections.
   */
  async function isProvenByWalk(tenant: RotatingTenant): Promise<boolean> {
    if (database.isShared) return true;
    for (const one of reseals[kindOf(tenant.tenantUid)]) {
      for (let from: string | undefined = ''; from !== undefined; ) {
        const end: string | undefined = await one.endOfRange(tenant.tenantUid, from, SEARCHED_AT_ONCE);
        if ((await pendingIn(one, tenant, from, end)).length > 0) return false;
        from = end;
        await setImmediate();
      }
    }
    return true;
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
    async reseal(tenant, from = START, limit) {
      const { tenantUid, version } = tenant;
      const statements = reseals[kindOf(tenantUid)];
      const one = statements[from.table];
      if (one === undefined) return { resealed: 0, damaged: [], next: undefined };
      const end = await one.endOfRange(tenantUid, from.after, limit);
      const rows = await pendingIn(one, tenant, from.after, end);
      const damaged: DamagedSeal[] = [];
      const steps: Step[] = [];
      let resealed = 0;
      for (const [count, row] of rows.entries()) {
        // Sealing all of a batch at once would block the event loop.
        if (count % ROWS_A_TURN === ROWS_A_TURN - 1) await setImmediate();
        const result = await resealRow(one.sealed, row, tenant);
        damaged.push(...result.damaged);
        const changed = Object.keys(result.after).length;
        resealed += changed;
        if (changed > 0) steps.push(one.save.step(valuesToSave(one.sealed, row, result.after)));
      }
      // Refused if the tenant was deleted meanwhile.
      const isCurrent =
        steps.length === 0 || (await database.commit(...steps, sealVersions.has(tenantUid, version))).committed;
      if (!isCurrent) return { resealed: 0, damaged: [], next: undefined };
      return { resealed, damaged, next: nextPosition(from, end, statements) };
    },
    async retire({ tenantUid, version }) {
      for (;;) {
        const deks = await keys.read(tenantUid);
        const newest = deks.find((dek) => dek.version === version);
        if (deks.length === 1 || newest === undefined) return true;
        if (!(await isProvenByWalk({ tenantUid, tenantId: newest.tenantId, version }))) return false;
        const kek = keyring.activeKek();
        const raised = keyring.raiseFloor(newest);
        const proof = { tenantUid, version, versionBytes: versionBytes(version) };
        const result = await changes.commit(
          { kind: 'data_keys', uid: tenantUid },
          // First: registrations of tenants must not wait for the root key during the search.
          ...(database.isShared ? [prove[kindOf(tenantUid)].step(proof, 1)] : []),
          rootKeys.replaceActive(kek.id, kek.id),
          raiseFloor.step({ tenantUid, version, wrapped: newest.wrapped, after: raised.wrapped }, 1),
          deleteOlder.step({ tenantUid, version }),
        );
        if (result.committed) {
          keyring.readopt([raised]);
          return true;
        }
        await rootKeys.read();
        const again = (await keys.read(tenantUid)).find((dek) => dek.version === version);
        // Otherwise the data key was wrapped under another root key meanwhile.
        const isRootKey = kek.id.equals(keyring.activeKek().id);
        if (isRootKey && again !== undefined && isSame(again, newest)) return false;
      }
    },
    shred: () => database.shred(),
  };
}

function nextPosition(
  { table }: ResealPosition,
  end: string | undefined,
  statements: readonly unknown[],
): ResealPosition | undefined {
  if (end !== undefined) return { table, after: end };
  return table + 1 < statements.length ? { table: table + 1, after: START.after } : undefined;
}

function isSame(one: WrappedDek, other: WrappedDek): boolean {
  return Buffer.from(one.wrapped).equals(other.wrapped);
}
