import { randomBytes } from 'node:crypto';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { storesConformance } from './stores_conformance.ts';

storesConformance('SQLite', async (clock) => {
  const database = await openDatabase({ url: 'sqlite::memory:' });
  const keks = { current: createKek(randomBytes(32)) };
  // So few keys stay loaded that they are evicted all the time.
  const stores = await createStores({ database, keks, clock, capacity: 3 });
  return { stores, database, keks };
});
