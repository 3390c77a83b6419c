import { setImmediate } from 'node:timers/promises';
import { eq, getTableColumns, inArray, type SQL } from 'drizzle-orm';
import { type Keyring, type TenantNames, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import { corruptCause, dekVersionOf, kekIdOf } from '../../keyring/sealed_record.ts';
import { isVaultError, VaultError } from '../../model/errors.ts';
import type { Page } from '../../model/page.ts';
import { type CommitResult, type Database, type Db, placeholders, type Step } from '../database_interface.ts';
import { createRootKeyRecord } from './root_key_record.ts';
import { createSealVersions, sealVersionChanged } from './seal_versions.ts';

const KEYS_A_TURN = 100;
const ROWS_A_TURN = 20;
/** A rotation refuses one commit. More are refused only if the version was changed outside of the vault. */
const MOST_REFUSALS = 10;
/** A row is read again if a rotation retired its data key since. */
const MOST_READS = 3;

export type TenantKeys = ReturnType<typeof createTenantKeys>;

/** The rows of the tenants' data keys (DEKs), and the keyring that they are loaded into. */
export function createTenantKeys({ database, keyring }: { database: Database; keyring: Keyring }) {
  const { deks, tenants } = database.tables;
  const all = placeholders(getTableColumns(deks));
  const ofTenant = eq(deks.tenantUid, all.tenantUid);
  // The wrapping proves that the name belongs to the uid.
  const named = (db: Db, where: SQL) =>
    db
      .select({ ...getTableColumns(deks), tenantId: tenants.tenantId })
      .from(deks)
      .leftJoin(tenants, eq(tenants.uid, deks.tenantUid))
      .where(where);
  const find = database.rows('deks.find', (db) => named(db, ofTenant));
  const insert = database.write('deks.insert', (db) => db.insert(deks).values(all));
  const rootKeys = createRootKeyRecord({ database, keyring, ready: (sealed) => ready(VAULT_UID, sealed) });
  const sealVersions = createSealVersions(database);
  const deleteAll = database.write('deks.delete', (db) => db.delete(deks).where(ofTenant));

  /**
   * Loads a tenant's DEKs unless they are loaded. Seal and open straight after it, with no other await in between.
   * With a sealed value: also when it names a version that another replica has added. TENANT_NOT_FOUND.
   */
  const ready = (tenantUid: string, sealed?: Uint8Array | null): Promise<void> =>
    readyVersion(tenantUid, sealed ? dekVersionOf(sealed) : undefined);

  /** The same for a version. */
  async function readyVersion(tenantUid: string, version: number | undefined): Promise<void> {
    if (keyring.has(tenantUid, version)) return;
    for (const dek of await read(tenantUid)) keyring.adopt(dek);
  }

  /** TENANT_NOT_FOUND. */
  async function read(tenantUid: string): Promise<readonly WrappedDek[]> {
    const rows = await find.all({ tenantUid });
    if (rows.length === 0) throw noDek(tenantUid);
    return rows.map(withName);
  }

  const withName = (row: Omit<WrappedDek, 'tenantId'> & { tenantId: string | null }): WrappedDek => ({
    ...row,
    tenantId: row.tenantId ?? VAULT_UID,
  });

  /** The same for the tenants of a page, with one query. Call `ready` for each nevertheless: they may be evicted meanwhile. */
  async function preload(page: readonly { readonly tenantUid: string }[]): Promise<void> {
    const missing = [...new Set(page.map(({ tenantUid }) => tenantUid))].filter((uid) => !keyring.has(uid));
    if (missing.length === 0) return;
    const rows = await database.select('deks.findMany', (db) => named(db, inArray(deks.tenantUid, missing)));
    for (const [count, row] of rows.entries()) {
      // Unwrapping all keys at once would block the event loop.
      if (count % KEYS_A_TURN === 0) await setImmediate();
      try {
        keyring.adopt(withName(row));
      } catch (error) {
        // `ready` fails for each row of the tenant.
        if (!isDamagedRow(error)) throw error;
      }
    }
  }

  const insertDek = ({ tenantId: _, ...dek }: WrappedDek) =>
    insert.step({ ...dek, wrapped: Buffer.from(dek.wrapped) }, 1);

  async function checkName(tenant: TenantNames): Promise<void> {
    await ready(tenant.tenantUid);
    keyring.checkName(tenant);
  }

  return {
    keyring,
    ready,
    readyVersion,
    preload,
    /** RECORD_CORRUPT if the name belongs to another tenant: it was changed in the database. */
    checkName,
    /**
     * Opens or checks each row of a page. Leaves out those of tenants that were deleted since the page was read, and, with their
     * names, those that were changed or are damaged: one row must not hide all others.
     */
    async openPage<PageRow extends { readonly tenantUid: string }, Item>(
      page: readonly PageRow[],
      nameOf: (row: PageRow) => string,
      open: (row: PageRow) => Promise<Item>,
    ): Promise<Omit<Page<Item>, 'next'>> {
      await preload(page);
      const items: Item[] = [];
      const unreachable: string[] = [];
      for (const [count, row] of page.entries()) {
        // Opening a page of 1,000 at once would block the event loop, and so all other callers, for a tenth of a second.
        if (count % ROWS_A_TURN === ROWS_A_TURN - 1) await setImmediate();
        try {
          items.push(await open(row));
        } catch (error) {
          if (isDamagedRow(error)) unreachable.push(nameOf(row));
          else if (!isVaultError(error, 'TENANT_NOT_FOUND')) throw error;
        }
      }
      return unreachable.length === 0 ? { items } : { items, unreachable };
    },
    /** Forgets the keys of a tenant that another process deleted, and applies a rotation of another process. */
    async refresh(tenantUid: string): Promise<void> {
      const rows = await find.all({ tenantUid });
      if (rows.length === 0) keyring.forget(tenantUid);
      else if (keyring.has(tenantUid) && !isSameVersions(rows, keyring.versionsOf(tenantUid)))
        keyring.readopt(rows.map(withName));
    },
    read,
    sealVersions,
    /**
     * Commits what `seal` returns, which seals with the tenant's keys and does not await. Refused by the step after those
     * if a rotation has come between: then it seals again, under the new version.
     */
    async commitSealed(
      tenantUid: string,
      seal: () => readonly Step[],
      commit: (...steps: readonly Step[]) => Promise<CommitResult> = database.commit,
    ): Promise<CommitResult> {
      await ready(tenantUid);
      for (let refusals = 0; refusals < MOST_REFUSALS; refusals++) {
        const steps = seal();
        const version = keyring.versionsOf(tenantUid).at(-1) ?? 0;
        const result = await commit(...steps, sealVersions.has(tenantUid, version));
        if (result.committed || result.refusedBy !== steps.length) return result;
        keyring.readopt(await read(tenantUid));
      }
      throw sealVersionChanged(tenantUid);
    },
    /** Opens a row, or the row as it is now if a rotation has retired its data key since it was read. */
    async openCurrent<Stored, Item>(
      stored: Stored,
      reread: () => Promise<Stored | undefined>,
      open: (stored: Stored) => Promise<Item>,
    ): Promise<Item> {
      for (let [current, reads] = [stored, 1]; ; reads++) {
        try {
          return await open(current);
        } catch (error) {
          const again = isRetired(error) && reads < MOST_READS ? await reread() : undefined;
          if (again === undefined) throw error;
          current = again;
        }
      }
    },
    /** For the commit that makes the first root key the active one. */
    insert: insertDek,
    /** Commits a new DEK with other steps, wrapped under the root key that is active at the commit. */
    async commitNew(dek: WrappedDek, ...steps: readonly Step[]): Promise<void> {
      for (;;) {
        const kek = keyring.activeKek();
        const wrapped = kekIdOf(dek.wrapped)?.equals(kek.id) ? dek : keyring.rewrap(dek, kek);
        const result = await database.commit(rootKeys.replaceActive(kek.id, kek.id), insertDek(wrapped), ...steps);
        if (result.committed) return;
        if (result.refusedBy !== 0) throw new TypeError(`Step ${result.refusedBy} of the commit was refused.`);
        await rootKeys.read();
      }
    },
    rootKeys,
    /** For crypto-shredding: `keyring.forget` and `database.shred` follow the commit. */
    deleteAll: (tenantUid: string) => deleteAll.step({ tenantUid }),
  };
}

/** Not if a root key is missing, which may concern every row. */
function isDamagedRow(error: unknown): boolean {
  const cause = corruptCause(error);
  return cause !== undefined && cause !== 'kek_unknown';
}

function isRetired(error: unknown): boolean {
  const cause = corruptCause(error);
  return cause === 'version_below_floor' || cause === 'version_unknown';
}

function isSameVersions(rows: readonly Pick<WrappedDek, 'version'>[], versions: readonly number[]): boolean {
  return rows.length === versions.length && rows.every(({ version }) => versions.includes(version));
}

function noDek(tenantUid: string): VaultError {
  return tenantUid === VAULT_UID
    ? new VaultError(
        'RECORD_CORRUPT',
        'The data key of the vault itself is missing. Restore the database from a backup.',
      )
    : new VaultError('TENANT_NOT_FOUND', 'The tenant was deleted, and its keys with it.');
}
