import { existsSync } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { fillEveryTable } from './fill_every_table.ts';
import { createSampleVault, runSql } from './sample_vault.ts';

const TO_COPY = ['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', 'sqlite:copy.db'];

test('every row is copied as it is, and the copy opens with the same root key', async () => {
  const vault = await createSampleVault();
  fillEveryTable(vault.database);

  const { code, stdout } = await vault.run(TO_COPY);

  expect(code).toBe(0);
  expect(stdout).toMatch(/connections +1\n/);
  const [source, copy] = [dump(vault.database), dump(vault.path('copy.db'))];
  expect(Object.keys(source).length).toBeGreaterThan(15);
  expect(copy).toEqual({ ...source, leases: [], replicas: [], commits: [], meta: copy['meta'] });
  const stores = await vault.open(vault.path('copy.db'));
  const original = await vault.open();
  expect(stores.instance.id).not.toBe(original.instance.id);
  expect(stores.instance.copyTime).toBeGreaterThan(0);
  await original.close();
  await stores.close();
});

test('numbers of deleted events are not given again', async () => {
  const vault = await createSampleVault();
  fillEveryTable(vault.database);
  runSql(vault.database, "UPDATE sqlite_sequence SET seq = 4711 WHERE name = 'outbox'");

  await vault.run(TO_COPY);

  expect(sequenceOf(vault.path('copy.db'))).toBe(4711);
});

test('a target with a vault in it is refused unchanged', async () => {
  const vault = await createSampleVault();
  const other = await createSampleVault();

  const { code, stderr } = await vault.run([...TO_COPY.slice(0, 4), '--to', `sqlite:${other.database}`]);

  expect(code).toBe(65);
  expect(stderr).toContain('The target has another vault');
  await (await other.open()).close();

  expect((await vault.run(TO_COPY)).code).toBe(0);
  const again = await vault.run(TO_COPY);
  expect([again.code, again.stderr]).toEqual([65, expect.stringContaining('the copy was completed')]);
});

test('a source that a vault serves, or that does not exist, is refused', async () => {
  const vault = await createSampleVault();
  const running = await vault.open();

  const served = await vault.run(TO_COPY);
  expect([served.code, served.stderr]).toEqual([69, expect.stringContaining('in use by another process')]);
  await running.close();

  const missing = await vault.run(['database', 'copy', '--from', 'sqlite:other.db', '--to', 'sqlite:copy.db']);
  expect([missing.code, missing.stderr]).toEqual([65, expect.stringContaining('other.db has no vault in it')]);
  const same = await vault.run([...TO_COPY.slice(0, 4), '--to', 'sqlite:data/vault.db']);
  expect(same.code).toBe(64);
  expect([existsSync(vault.path('other.db')), existsSync(vault.path('copy.db'))]).toEqual([false, false]);
});

function dump(file: string): Record<string, unknown[]> {
  const client = new SqliteConnection(file);
  const names = client.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").pluck().all();
  const kept = names.map(String).filter((name) => name !== 'migrations');
  const rows = Object.fromEntries(
    kept.map((name) => [name, client.prepare(`SELECT * FROM "${name}" ORDER BY 1, 2`).all()]),
  );
  client.close();
  return rows;
}

function sequenceOf(file: string): unknown {
  const client = new SqliteConnection(file);
  const found = client.prepare("SELECT seq FROM sqlite_sequence WHERE name = 'outbox'").pluck().get();
  client.close();
  return found;
}
