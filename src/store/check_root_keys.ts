import { eq } from 'drizzle-orm';
import { checkCanary } from '../keyring/database_key_canary.ts';
import { createKeyring, VAULT_UID } from '../keyring/keyring.ts';
import type { Keks } from '../keyring/root_key_source.ts';
import { VaultError } from '../model/errors.ts';
import type { Database } from './database_interface.ts';
import { ACTIVE_ROOT_KEY } from './rows/root_key_record.ts';
import { createTenantKeys } from './rows/tenant_data_keys.ts';

/** RECORD_CORRUPT unless the root keys belong to the database. False: no vault was set up in it. Changes nothing. */
export async function checkRootKeys(database: Database, keks: Keks): Promise<boolean> {
  const { meta } = database.tables;
  const find = async (key: string) => {
    const rows = await database.select('meta.read', (db) => db.select().from(meta).where(eq(meta.key, key)));
    return rows[0]?.value;
  };
  const deploymentId = (await find('deployment_id'))?.toString('utf8');
  if (deploymentId === undefined) return false;
  const keyring = createKeyring({ keks, deploymentId });
  const keys = createTenantKeys({ database, keyring });
  await keys.ready(VAULT_UID);
  const canary = await find('canary');
  if (canary === undefined)
    throw new VaultError('RECORD_CORRUPT', 'The canary record is missing. Restore the database from a backup.');
  checkCanary(keyring, canary);
  // Earlier versions have no record of root keys.
  if ((await find(ACTIVE_ROOT_KEY)) !== undefined) await keys.rootKeys.read();
  return true;
}
