import { VAULT_UID } from '../../keyring/keyring.ts';
import type { Database } from '../database_interface.ts';
import { SEAL_VERSION, versionBytes } from '../rows/seal_versions.ts';
import type { TenantKeys } from '../rows/tenant_data_keys.ts';
import type { Meta } from './vault_metadata_store.ts';

interface AdoptionParts {
  readonly database: Database;
  readonly keys: TenantKeys;
  readonly meta: Meta;
}

/** Records the version of the vault's own data key in a database that was set up without this record. */
export async function adoptSealVersion({ database, keys, meta }: AdoptionParts): Promise<void> {
  if ((await meta.find(SEAL_VERSION)) !== undefined) return;
  const version = keys.keyring.versionsOf(VAULT_UID).at(-1) ?? 1;
  // Refused if another replica was faster.
  await database.commit(meta.insert(SEAL_VERSION, versionBytes(version)));
}
