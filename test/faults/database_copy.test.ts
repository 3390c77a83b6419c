import { rmSync } from 'node:fs';
import { join } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { fillVault } from '../bench/filled_vault.ts';
import { startProgram } from '../cli/program.ts';
import { createSampleVault, runSql, type SampleVault } from '../cli/sample_vault.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';

/** So many that a copy can be killed in the middle. */
const CONNECTIONS = 20_000;
/** Sealed as in production. */
const SEALED = process.env['REPLICAS'] === 'long' ? 100_000 : 1_000;

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

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

/** A database that a copy reads or writes. */
interface Place {
  readonly url: string;
  /** 0 if there is no such table yet. */
  countConnections(): Promise<number>;
}

function fileAt(vault: SampleVault, name: string): Place {
  return { url: `sqlite:${name}`, countConnections: async () => countIn(vault.path(name)) };
}

async function newDatabase(): Promise<Place> {
  const url = await server.createDatabase();
  const count = 'SELECT count(*)::int AS count FROM connections';
  return {
    url,
    async countConnections() {
      const rows = await server.query<{ count: number }>(count, new URL(url).pathname.slice(1)).catch(() => []);
      return rows[0]?.count ?? 0;
    },
  };
}

function copyCommand(from: Place, to: Place): readonly string[] {
  return ['database', 'copy', '--from', from.url, '--to', to.url];
}

/** Kills the copy with -9 once it has copied some connections. */
async function killInTheMiddle(vault: SampleVault, from: Place, to: Place): Promise<void> {
  const { child, ended } = vault.start(copyCommand(from, to));
  await expect.poll(to.countConnections, { interval: 10, timeout: 60_000 }).toBeGreaterThan(0);
  child.kill('SIGKILL');
  await ended;
  expect(await to.countConnections()).toBeLessThan(CONNECTIONS);
}

function countIn(file: string): number {
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
  const [from, to] = [fileAt(vault, 'data/vault.db'), fileAt(vault, 'copy.db')];
  await killInTheMiddle(vault, from, to);

  const served = await vault.run(['serve'], { TOKENVAULT_DATABASE_URL: to.url });
  expect([served.code, served.stderr]).toEqual([65, expect.stringContaining('is an unfinished copy')]);

  const checked = await vault.run(['config', 'check'], { TOKENVAULT_DATABASE_URL: to.url });
  expect([checked.code, checked.stdout]).toEqual([65, expect.stringContaining('is an unfinished copy')]);

  await completeCopy(vault, from, to);
  await (await vault.open(vault.path('copy.db'))).close();
});

async function completeCopy(vault: SampleVault, from: Place, to: Place): Promise<void> {
  const { code, stdout } = await vault.run(copyCommand(from, to));
  expect(code).toBe(0);
  expect(stdout).toContain('The interrupted copy is complete');
  expect(await to.countConnections()).toBe(CONNECTIONS);
}

test('copies to PostgreSQL and back that were killed are completed', { timeout: 120_000 }, async () => {
  const vault = await createLargeVault();
  const [from, there, back] = [fileAt(vault, 'data/vault.db'), await newDatabase(), fileAt(vault, 'back.db')];

  await killInTheMiddle(vault, from, there);
  await completeCopy(vault, from, there);
  await killInTheMiddle(vault, there, back);
  await completeCopy(vault, there, back);

  await (await vault.open(vault.path('back.db'))).close();
});

test('a copy of a source that was changed meanwhile is refused', { timeout: 60_000 }, async () => {
  const vault = await createLargeVault();
  const [from, to] = [fileAt(vault, 'data/vault.db'), fileAt(vault, 'copy.db')];
  await killInTheMiddle(vault, from, to);
  runSql(vault.database, 'UPDATE connections SET version = 2 WHERE uid = (SELECT min(uid) FROM connections)');

  const { code, stderr } = await vault.run(copyCommand(from, to));

  expect(code).toBe(65);
  expect(stderr).toContain('The copy differs from its source in connections');
  expect(stderr).toContain('copy again');
  const served = await vault.run(['serve'], { TOKENVAULT_DATABASE_URL: to.url });
  expect(served.code).toBe(65);
});

test(`${SEALED.toLocaleString('en')} connections are copied to PostgreSQL and back; one damaged value is named`, {
  timeout: 20 * 60_000,
}, async () => {
  const { path: folder } = await fillVault({ connections: SEALED, accessTokens: 'none' });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const url = await server.createDatabase();
  const run = (...args: readonly string[]) => startProgram(args, { folder }).ended;
  const there = await run('database', 'copy', '--from', 'sqlite:vault.db', '--to', url);
  const back = await run('database', 'copy', '--from', url, '--to', 'sqlite:back.db');
  expect([there.code, back.code]).toEqual([0, 0]);

  const uid = damageOne(join(folder, 'back.db'));
  const { code, stdout } = await run('backup', 'verify', 'back.db');

  expect(code).toBe(65);
  const [first, second] = stdout.split('\n');
  expect(first).toBe(`connections ${uid} refresh_token: was changed or moved (tag)`);
  expect(second).toContain(', 1 damaged, 0 not checked');
});

/** Changes a bit of the refresh token of one connection, and returns the uid of its row. */
function damageOne(file: string): string {
  const client = new SqliteConnection(file);
  const half = client.prepare('SELECT uid, refresh_token AS token FROM connections LIMIT 1 OFFSET ?');
  const { uid, token } = half.get(Math.floor(SEALED / 2)) as { uid: string; token: Buffer };
  token[token.length - 1] = (token.at(-1) ?? 0) ^ 1;
  client.prepare('UPDATE connections SET refresh_token = ? WHERE uid = ?').run(token, uid);
  client.close();
  return uid;
}
