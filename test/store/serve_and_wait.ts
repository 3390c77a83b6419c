import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openSqlite } from '../../src/store/sqlite/open_sqlite.ts';
import { sampleTenant } from '../conformance/sample_rows.ts';
import { backUp } from './back_up.ts';
import { sqliteClientOf } from './sqlite_client.ts';

/** Serves a file, does what its arguments say (`back_up`, `checkpoint`, or the id of a tenant to register), and lives until it is killed. First: file, KEK in hex. */
const [, , path = '', kek = '', ...work] = process.argv;
const database = openSqlite({ path });
const keks = { current: createKek(Buffer.from(kek, 'hex')) };
const stores = await createStores({ database, keks, clock: systemClock });
for (const step of work) {
  if (step === 'back_up') await backUp(path);
  else if (step === 'checkpoint') (await sqliteClientOf(database)).pragma('wal_checkpoint(PASSIVE)');
  else await stores.tenants.register({ tenant: sampleTenant(step), app: undefined, credential: undefined });
}
console.log('served');
setInterval(() => {}, 1_000_000);
