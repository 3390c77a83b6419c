import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { GRAPH, sampleAccessToken } from '../conformance/sample_rows.ts';
import { startVault } from '../conformance/vault_under_test.ts';
import { startProcess } from './other_process.ts';
import { temporaryFolder } from './temporary_folder.ts';

test('after kill -9 under a lease, the data is intact and the lease is free at once', async () => {
  const path = join(temporaryFolder(), 'vault.db');
  const kek = randomBytes(32).toString('hex');
  const open = async () => {
    const database = openSqlite({ path });
    const keks = { current: createKek(Buffer.from(kek, 'hex')) };
    return { database, stores: await createStores({ database, keks, clock: systemClock }) };
  };
  const vault = await startVault(open);
  const { connection } = vault;
  await (await vault.lease()).record({ connection, refreshToken: undefined, accessToken: sampleAccessToken('at') });
  const before = await vault.dump();
  const overtaken = await vault.lease();
  await overtaken.release();
  await vault.stores.close();

  for (let round = 0; round < 3; round++) {
    const doomed = startProcess('hold_lease.ts', [path, kek, connection.uid]);
    await doomed.says('held');
    await doomed.kill();
  }

  const { stores, database } = await open();
  const held = await stores.grants.lease(connection.uid, { owner: 'next', resource: GRAPH, duration: 1000 });
  expect(held?.refreshToken?.reveal()).toBe('rt-of-ada');
  expect(held?.accessToken?.token.reveal()).toBe('at');
  expect(await stores.tenants.find('acme')).toBeDefined();
  await held?.release();
  const rows = await database.select('test', (db) => db.select().from(database.tables.connections));
  // Fenced: each lease, and each start that found one, wrote a new id.
  const first = before['connections']?.[0] as { leaseId: string };
  expect(rows[0]?.leaseId).not.toBe(first.leaseId);
  expect({ ...rows[0], leaseId: '' }).toEqual({ ...first, leaseId: '' });
  await stores.close();
});
