import { and, eq, sql } from 'drizzle-orm';
import type { CorruptCause } from '../../keyring/committing_aead.ts';
import { VAULT_UID } from '../../keyring/keyring.ts';
import { VaultError } from '../../model/errors.ts';
import { type Database, placeholder, type Step } from '../database_interface.ts';
import type { MetaKey } from '../vault/vault_metadata_store.ts';

/** The row of `meta` with the version of the vault's own data key, as in the header of its sealed values. */
export const SEAL_VERSION = 'seal_version' satisfies MetaKey;

export type SealVersions = ReturnType<typeof createSealVersions>;

/**
 * The version of a tenant's data key that values are sealed under: `tenants.seal_version`, and a row of `meta` for the
 * vault itself. It is the newest one, because one commit adds a data key and changes the version.
 */
export function createSealVersions(database: Database) {
  const { tenants, meta } = database.tables;
  const { rowLock } = database.dialect;
  const uid = placeholder(tenants.uid, 'uid');
  const isTenant = and(eq(tenants.uid, uid), eq(tenants.sealVersion, placeholder(tenants.sealVersion, 'version')));
  const isVault = and(eq(meta.key, SEAL_VERSION), eq(meta.value, placeholder(meta.value, 'version')));
  // A lock for keys: sealing commits wait neither for each other nor for updates of the tenant, only for a rotation.
  const [share, exclusive] = [rowLock('FOR KEY SHARE'), rowLock('FOR UPDATE')];

  const tenantHas = database.write('tenants.hasSealVersion', (db) =>
    db.select({ uid: tenants.uid }).from(tenants).where(sql`${isTenant} ${share}`),
  );
  const vaultHas = database.write('meta.hasSealVersion', (db) =>
    db.select({ key: meta.key }).from(meta).where(sql`${isVault} ${share}`),
  );
  const lockTenant = database.write('tenants.lockSealVersion', (db) =>
    db.select({ uid: tenants.uid }).from(tenants).where(sql`${isTenant} ${exclusive}`),
  );
  const lockVault = database.write('meta.lockSealVersion', (db) =>
    db.select({ key: meta.key }).from(meta).where(sql`${isVault} ${exclusive}`),
  );
  const replaceTenant = database.write('tenants.replaceSealVersion', (db) =>
    db
      .update(tenants)
      .set({ sealVersion: placeholder(tenants.sealVersion, 'after') })
      .where(eq(tenants.uid, uid)),
  );
  const replaceVault = database.write('meta.replaceSealVersion', (db) =>
    db
      .update(meta)
      .set({ value: placeholder(meta.value, 'after') })
      .where(eq(meta.key, SEAL_VERSION)),
  );

  return {
    /** For the end of a commit that seals: it is refused unless this is the version, which stays until its end. */
    has: (tenantUid: string, version: number): Step =>
      tenantUid === VAULT_UID
        ? vaultHas.step({ version: versionBytes(version) }, 1)
        : tenantHas.step({ uid: tenantUid, version }, 1),
    /** For the start of a commit: waits for commits that seal under `version`, and refuses later ones. */
    replace: (tenantUid: string, version: number): readonly Step[] => {
      if (tenantUid === VAULT_UID) {
        const [before, after] = [versionBytes(version), versionBytes(version + 1)];
        return [lockVault.step({ version: before }, 1), replaceVault.step({ after }, 1)];
      }
      return [
        lockTenant.step({ uid: tenantUid, version }, 1),
        replaceTenant.step({ uid: tenantUid, after: version + 1 }, 1),
      ];
    },
  };
}

/** As in the header of a sealed value, so that bytes compare as versions do. */
export function versionBytes(version: number): Buffer {
  const bytes = Buffer.allocUnsafe(4);
  bytes.writeUInt32BE(version);
  return bytes;
}

export function sealVersionChanged(tenantUid: string): VaultError {
  return new VaultError(
    'RECORD_CORRUPT',
    `The seal version of tenant ${tenantUid} is not that of its newest data key: one of them was changed outside of the ` +
      'vault. Restore the rows of the tables tenants and deks from a backup.',
    { cause: new Error('version_unknown' satisfies CorruptCause) },
  );
}
