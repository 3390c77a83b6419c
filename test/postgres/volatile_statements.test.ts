import { eq, type SQL, sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../src/store/open_database.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

test('a volatile statement that fails changes nothing, and the next one succeeds on the same connection', async () => {
  const url = await server.createDatabase();
  const name = new URL(url).pathname.slice(1);
  const database = await openDatabase({ url, postgres: { poolSize: 1 } });
  const { leases } = database.tables;
  await server.query("INSERT INTO leases (name, owner, until, epoch) VALUES ('a', 'one', 0, 0)", name);
  const setEpoch = (epoch: SQL) =>
    database.volatile('test', (db) =>
      db.update(leases).set({ owner: 'two', epoch }).where(eq(leases.name, 'a')).returning(),
    );
  const connections = () =>
    server.query(`SELECT pid FROM pg_stat_activity WHERE usename = 'vault' AND datname = '${name}'`);
  const stored = () => server.query('SELECT owner, epoch FROM leases', name);
  await database.verify();
  const before = await connections();

  await expect(setEpoch(sql`epoch / 0`).first({})).rejects.toThrow();
  expect(await stored()).toEqual([{ owner: 'one', epoch: 0 }]);

  expect(await setEpoch(sql`epoch + 1`).first({})).toMatchObject({ owner: 'two', epoch: 1 });
  expect(await stored()).toEqual([{ owner: 'two', epoch: 1 }]);
  expect(await connections()).toEqual(before);
  await database.close();
});
