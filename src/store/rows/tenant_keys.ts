import { and, eq, getTableColumns } from 'drizzle-orm';
import { type Keyring, VAULT_UID, type WrappedDek } from '../../keyring/keyring.ts';
import { dekVersionOf } from '../../keyring/sealed_record.ts';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholder, placeholders, type Step } from '../database.ts';

/** The rows of DEKs, and the keyring that they are loaded into. */
export interface TenantKeys {
  readonly keyring: Keyring;
  /**
   * Loads a tenant's DEKs unless they are. Seal and open straight after it, with no other await in between.
   * With a sealed value: also when it names a version that another replica has added. TENANT_NOT_FOUND.
   */
  ready(tenantUid: string, sealed?: Uint8Array): Promise<void>;
  insert(dek: WrappedDek): Step;
  /** For crypto-shredding: `keyring.forget` and `database.shred` follow the commit. */
  deleteAll(tenantUid: string): Step;
}

export function createTenantKeys({ database, keyring }: { database: Database; keyring: Keyring }): TenantKeys {
  const { deks } = database.tables;
  const find = database.rows('deks.find', (db) =>
    db
      .select()
      .from(deks)
      .where(eq(deks.tenantUid, placeholder(deks.tenantUid, 'tenantUid'))),
  );
  const insert = database.write('deks.insert', (db) => db.insert(deks).values(placeholders(getTableColumns(deks))));
  const deleteAll = database.write('deks.delete', (db) =>
    db.delete(deks).where(and(eq(deks.tenantUid, placeholder(deks.tenantUid, 'tenantUid')))),
  );

  return {
    keyring,
    async ready(tenantUid, sealed) {
      const version = sealed === undefined ? undefined : dekVersionOf(sealed);
      if (keyring.has(tenantUid, version)) return;
      const rows = await find.all({ tenantUid });
      if (rows.length === 0) throw noDek(tenantUid);
      for (const row of rows) keyring.adopt(row);
    },
    insert: (dek) => insert.step({ ...dek, wrapped: Buffer.from(dek.wrapped) }, 1),
    deleteAll: (tenantUid) => deleteAll.step({ tenantUid }),
  };
}

function noDek(tenantUid: string): VaultError {
  return tenantUid === VAULT_UID
    ? new VaultError('RECORD_CORRUPT', "The vault's own data key is missing. Restore the database from a backup.")
    : new VaultError('TENANT_NOT_FOUND', 'The tenant was deleted, and its keys with it.');
}
