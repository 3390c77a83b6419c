import { once } from 'node:events';
import { watch } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { expect, test } from 'vitest';
import { createSampleVault, runSql, type SampleVault } from '../cli/sample_vault.ts';

const COPY = ['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', 'sqlite:copy.db'];
const CONNECTIONS = 20_000;

/** A vault with so many connections that a copy can be killed in the middle. */
async function createLargeVault(): Promise<SampleVault> {
  const vault = await createSampleVault();
  const client = new SqliteConnection(vault.database);
  const names = (client.pragma('table_info(connections)') as { name: string }[]).map(({ name }) => name);
  client.close();
  const values = names.map((name) => (['uid', 'connection_id'].includes(name) ? `${name} || '-' || number` : name));
  runSql(
    vault.database,
    `WITH RECURSIVE numbers(number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < ${CONNECTIONS - 1})
     INSERT INTO connections (${names}) SELECT ${values} FROM connections, numbers`,
  );
  return vault;
}

/** Kills the copy with -9 once it has copied some connections. */
async function killInTheMiddle(vault: SampleVault): Promise<number> {
  const { child, ended } = vault.start(COPY);
  const watcher = watch(vault.folder);
  let copied = 0;
  while (copied === 0) {
    await once(watcher, 'change');
    copied = countConnections(vault.path('copy.db'));
  }
  child.kill('SIGKILL');
  await ended;
  watcher.close();
  return countConnections(vault.path('copy.db'));
}

function countConnections(file: string): number {
  try {
    const client = new SqliteConnection(file, { readonly: true, fileMustExist: true });
    try {
      return Number(client.prepare('SELECT count(*) FROM connections').pluck().get());
    } finally {
      client.close();
    }
  } catch {
    // The file or the table is not there yet.
    return 0;
  }
}

test('a copy that was killed is not served, and the same command completes it', { timeout: 60_000 }, async () => {
  const vault = await createLargeVault();
  const copied = await killInTheMiddle(vault);
  expect(copied).toBeGreaterThan(0);
  expect(copied).toBeLessThan(CONNECTIONS);

  const served = await vault.run(['serve'], { TOKENVAULT_DATABASE_URL: 'sqlite:copy.db' });
  expect([served.code, served.stderr]).toEqual([65, expect.stringContaining('is an unfinished copy')]);

  const checked = await vault.run(['config', 'check'], { TOKENVAULT_DATABASE_URL: 'sqlite:copy.db' });
  expect([checked.code, checked.stdout]).toEqual([65, expect.stringContaining('is an unfinished copy')]);

  const { code, stdout } = await vault.run(COPY);
  expect(code).toBe(0);
  expect(stdout).toContain('The interrupted copy is complete');
  expect(countConnections(vault.path('copy.db'))).toBe(CONNECTIONS);
  await (await vault.open(vault.path('copy.db'))).close();
});

test('a copy of a source that was changed meanwhile is refused', { timeout: 60_000 }, async () => {
  const vault = await createLargeVault();
  await killInTheMiddle(vault);
  runSql(vault.database, 'UPDATE connections SET version = 2 WHERE uid = (SELECT min(uid) FROM connections)');

  const { code, stderr } = await vault.run(COPY);

  expect(code).toBe(65);
  expect(stderr).toContain('The copy differs from its source in connections');
  expect(stderr).toContain('copy again');
  const served = await vault.run(['serve'], { TOKENVAULT_DATABASE_URL: 'sqlite:copy.db' });
  expect(served.code).toBe(65);
});
