import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { storesConformance } from './stores_conformance.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

storesConformance('PostgreSQL', async (clock) => {
  const database = await openDatabase({ url: await server.createDatabase() });
  const keks = { current: createKek(randomBytes(32)) };
  // So few keys stay loaded that they are evicted all the time.
  const stores = await createStores({ database, keks, clock, capacity: 3 });
  return { stores, database };
});
