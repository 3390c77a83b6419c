import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { createKek } from '../../src/keyring/key_encryption_key.ts';
import { createStores } from '../../src/store/create_stores.ts';
import { openDatabase } from '../../src/store/open_database.ts';
import { connectToServer, type ExternalServer } from '../postgres/external_server.ts';
import { MAJORS, type Major, startPostgres } from '../postgres/postgres_server.ts';
import { createReusedDatabases, type ReusedDatabases } from './reused_databases.ts';
import { storesConformance } from './stores_conformance.ts';

const NEWEST = String(MAJORS.at(-1));
/** `TEST_POSTGRES_URL=postgres://admin@host/postgres` runs the suite once, on that server. */
const URL_OF_SERVER = process.env['TEST_POSTGRES_URL'];
/** `TEST_POSTGRES_MAJORS=15,16,17,18` runs the suite on all of them; without it on the newest one. */
const CHOSEN = (URL_OF_SERVER === undefined ? process.env['TEST_POSTGRES_MAJORS']?.split(',') : undefined) ?? [NEWEST];

/** Runs the conformance suite on a real server of the given major version, or on that of TEST_POSTGRES_URL. */
export async function postgresConformance(major: Major): Promise<void> {
  if (!CHOSEN.includes(String(major))) {
    const reason =
      URL_OF_SERVER === undefined ? 'is not in TEST_POSTGRES_MAJORS' : 'does not run: TEST_POSTGRES_URL is set';
    test.skip(`PostgreSQL ${major} ${reason}`);
    return;
  }
  const opened: { close(): Promise<void> }[] = [];
  // Now, because the names of the tests contain its version.
  let server: ExternalServer | undefined =
    URL_OF_SERVER === undefined ? undefined : await connectToServer(URL_OF_SERVER);
  const name = server === undefined ? `PostgreSQL ${major}` : `PostgreSQL ${server.major} at TEST_POSTGRES_URL`;
  let databases: ReusedDatabases;
  beforeAll(async () => {
    server ??= await startPostgres(major);
    const url = await server.createDatabase();
    await (await openDatabase({ url })).close();
    databases = await createReusedDatabases(server, url);
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((database) => database.close()));
    await databases.giveBack();
  });
  afterAll(() => server?.close());

  storesConformance(name, async (clock) => {
    const database = await openDatabase({ url: await databases.take() });
    opened.push(database);
    const keks = { current: createKek(randomBytes(32)) };
    // So few keys stay loaded that they are evicted all the time.
    const stores = await createStores({ database, keks, clock, capacity: 3 });
    return { stores, database, keks };
  });
}
