import { randomBytes } from 'node:crypto';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import type { Keks } from '../../src/keyring/root_key_source.ts';
import { type Clock, systemClock } from '../../src/model/clock.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';

export interface TestStoresOptions {
  clock?: Clock;
  /** A file; in memory when it is not given. */
  path?: string;
  /** To open a file again; random when they are not given. */
  keks?: Keks;
}

/** The real stores over a real database, under a random root key. */
export async function openTestStores({
  clock = systemClock,
  path = ':memory:',
  keks = { current: createKek(randomBytes(32)) },
}: TestStoresOptions = {}): Promise<Stores> {
  return createStores({ database: await openDatabase({ url: `sqlite:${path}` }), keks, clock });
}
