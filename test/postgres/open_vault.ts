import { randomBytes } from 'node:crypto';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { startVault, type VaultUnderTest } from '../conformance/vault_under_test.ts';

/** The stores over a new database, which contains a tenant, its app and a connection. */
export function openVault(url: string): Promise<VaultUnderTest> {
  return startVault(async (clock) => {
    const database = await openDatabase({ url });
    return { stores: await createStores({ database, keks: { current: createKek(randomBytes(32)) }, clock }), database };
  });
}
