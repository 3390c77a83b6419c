import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { MAJORS, type Major, type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { storesConformance } from './stores_conformance.ts';

/** `TEST_POSTGRES_MAJORS=15,16,17,18` runs the suite on all of them, as CI does; without it on the newest one. */
const CHOSEN = process.env['TEST_POSTGRES_MAJORS']?.split(',') ?? [String(MAJORS.at(-1))];

/** Runs the conformance suite on a real server of the given major version. */
export function postgresConformance(major: Major): void {
  if (!CHOSEN.includes(String(major))) {
    test.skip(`PostgreSQL ${major} is not in TEST_POSTGRES_MAJORS`);
    return;
  }
  const opened: { close(): Promise<void> }[] = [];
  let server: PostgresServer;
  let migrated: string;
  beforeAll(async () => {
    server = await startPostgres(major);
    const url = await server.createDatabase();
    await (await openDatabase({ url })).close();
    migrated = url.slice(url.lastIndexOf('/') + 1);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
  });
  afterAll(() => server.close());

  storesConformance(`PostgreSQL ${major}`, async (clock) => {
    const database = await openDatabase({ url: await server.createDatabase(migrated) });
    opened.push(database);
    const keks = { current: createKek(randomBytes(32)) };
    // So few keys stay loaded that they are evicted all the time.
    const stores = await createStores({ database, keks, clock, capacity: 3 });
    return { stores, database };
  });
}
