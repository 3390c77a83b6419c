import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { fillEveryTable } from './fill_every_table.ts';
import { createSampleVault, runSql } from './sample_vault.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

test('a copy to PostgreSQL and back has every row', async () => {
  const vault = await createSampleVault();
  fillEveryTable(vault.database);
  runSql(vault.database, "UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'outbox'");
  const url = await server.createDatabase();
  const database = url.slice(url.lastIndexOf('/') + 1);

  const there = await vault.run(['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', url]);

  expect([there.code, there.stderr]).toEqual([0, '']);
  const [sequence] = await server.query<{ last_value: number }>('SELECT last_value FROM outbox_sequence_seq', database);
  expect(sequence?.last_value).toBe(4711);
  const marker = await server.query("SELECT 1 FROM meta WHERE key = 'unfinished_copy'", database);
  expect(marker).toEqual([]);

  const back = await vault.run(['database', 'copy', '--from', url, '--to', 'sqlite:back.db']);

  expect([back.code, back.stderr]).toEqual([0, '']);
  expect(back.stdout.split('\n').slice(1)).toEqual(there.stdout.split('\n').slice(1));
  const stores = await vault.open(vault.path('back.db'));
  expect(await stores.tenants.find('acme')).toBeDefined();
  await stores.close();
});

test('events without a number get one when the copy on SQLite is opened', async () => {
  const vault = await createSampleVault();
  fillEveryTable(vault.database);
  const url = await server.createDatabase();
  await vault.run(['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', url]);
  await server.query('UPDATE outbox SET number = NULL', url.slice(url.lastIndexOf('/') + 1));

  await vault.run(['database', 'copy', '--from', url, '--to', 'sqlite:back.db']);

  const stores = await vault.open(vault.path('back.db'));
  const events = await stores.outbox.read(0, 100);
  expect(events.length).toBeGreaterThan(0);
  expect(await stores.outbox.last()).toBe(events.at(-1)?.number);
  await stores.close();
});

test('a source on PostgreSQL that replicas serve is refused', async () => {
  const vault = await createSampleVault();
  const url = await server.createDatabase();
  await vault.run(['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', url]);
  await server.query(
    `INSERT INTO replicas VALUES ('uid', 'vault-0', '1', 0, extract(epoch FROM now()) * 1000, 0, '[]')`,
    url.slice(url.lastIndexOf('/') + 1),
  );

  const { code, stderr } = await vault.run(['database', 'copy', '--from', url, '--to', 'sqlite:back.db']);

  expect(code).toBe(69);
  expect(stderr).toContain('Replicas serve the database: vault-0');
});
