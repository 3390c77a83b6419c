import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PostgresServer, ROLE, startPostgres } from '../postgres/postgres_server.ts';
import { createSampleVault } from './sample_vault.ts';

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.close());

test('a database on PostgreSQL is checked without migrating it', async () => {
  const vault = await createSampleVault();
  const url = await server.createDatabase();
  const check = () => vault.run(['config', 'check'], { TOKENVAULT_DATABASE_URL: url });

  const empty = await check();
  expect([empty.code, empty.stdout]).toEqual([0, expect.stringMatching(/^database +ok +reachable; it is empty/m)]);
  const database = url.slice(url.lastIndexOf('/') + 1);
  expect(await server.query("SELECT 1 FROM pg_tables WHERE schemaname = 'public'", database)).toEqual([]);

  await vault.run(['database', 'copy', '--from', 'sqlite:data/vault.db', '--to', url]);
  const filled = await check();
  expect([filled.code, filled.stdout]).toEqual([0, expect.stringMatching(/^root key +ok +\w+ opens the database$/m)]);
});

test('a server or a file that cannot be read is named, with the exit code of serve', async () => {
  const vault = await createSampleVault();
  const url = 'postgres://vault@127.0.0.1:1/vault';

  const unreachable = await vault.run(['config', 'check'], { TOKENVAULT_DATABASE_URL: url });
  expect([unreachable.code, unreachable.stdout]).toEqual([69, expect.stringMatching(/^database +failed .*reached/m)]);
  expect(unreachable.stdout).toMatch(/^root key +ok +\w+ is readable; no database was opened with it$/m);

  const environment = { TOKENVAULT_DATABASE_URL: url, TOKENVAULT_DATABASE_CA_FILE: 'missing.pem' };
  const missing = await vault.run(['config', 'check'], environment);
  expect([missing.code, missing.stdout]).toEqual([
    78,
    expect.stringContaining('TOKENVAULT_DATABASE_CA_FILE: cannot read missing.pem (ENOENT)'),
  ]);
});

test('a role without timeouts ends with 78 and the statements to run', async () => {
  const vault = await createSampleVault();
  const url = await server.createDatabase();
  await server.query(`ALTER ROLE ${ROLE} SET statement_timeout = 0`);

  const { code, stdout } = await vault.run(['config', 'check'], { TOKENVAULT_DATABASE_URL: url });

  expect(code).toBe(78);
  expect(stdout).toContain(`ALTER ROLE ${ROLE} SET statement_timeout = '10s';`);
});
