import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { createSampleVault } from './sample_vault.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

/** A vault whose database is on PostgreSQL. */
async function createVaultOnPostgres() {
  const vault = await createSampleVault();
  const url = await server.createDatabase();
  await vault.run(['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', url]);
  const query = <Row extends object>(text: string) => server.query<Row>(text, url.slice(url.lastIndexOf('/') + 1));
  return { url, query, run: (...args: string[]) => vault.run(args, { TOKENVAULT_DATABASE_URL: url }) };
}

test('backup create prints the command of PostgreSQL', async () => {
  const { run, url } = await createVaultOnPostgres();

  const { code, stderr } = await run('backup', 'create', '--to', "the vault's.dump");

  expect(code).toBe(64);
  expect(stderr).toContain(`pg_dump --format=custom --file='the vault'\\''s.dump' '${url}'`);
});

test('backup restored gives a database on PostgreSQL a new instance id', async () => {
  const { run, query } = await createVaultOnPostgres();
  const instance = async () => {
    const [row] = await query<{ value: Buffer }>("SELECT value FROM meta WHERE key = 'instance'");
    return JSON.parse(row?.value.toString('utf8') ?? '{}') as { id: string; copyTime: number };
  };
  const before = await instance();

  const { code, stdout } = await run('backup', 'restored');

  const after = await instance();
  expect(code).toBe(0);
  expect(stdout).toContain(`new instance id ${after.id} instead of ${before.id}`);
  expect(after.copyTime).toBeGreaterThanOrEqual(before.copyTime);
});

test('backup restored refuses a database that replicas serve', async () => {
  const { run, query } = await createVaultOnPostgres();
  await query(`INSERT INTO replicas VALUES ('uid', 'vault-0', '1', 0, extract(epoch FROM now()) * 1000, 0, '[]')`);

  const { code, stderr } = await run('backup', 'restored');

  expect(code).toBe(69);
  expect(stderr).toContain('Replicas serve the database: vault-0');
});

test('backup verify opens every value of a database on PostgreSQL, and names a damaged one', async () => {
  const { run, query, url } = await createVaultOnPostgres();

  const sound = await run('backup', 'verify', url);
  expect([sound.code, sound.stdout]).toEqual([0, expect.stringContaining(' 0 damaged, 0 not checked')]);

  await query(
    'UPDATE connections SET refresh_token = set_byte(refresh_token, 100, 1 - sign(get_byte(refresh_token, 100))::int)',
  );
  const damaged = await run('backup', 'verify', url);
  expect([damaged.code, damaged.stdout]).toEqual([65, expect.stringMatching(/^connections \S+ refresh_token: /)]);
});
