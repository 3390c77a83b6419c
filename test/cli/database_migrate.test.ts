import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createKekFile } from '../../src/keyring/file_root_key_source.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { endOfProgram, serveProgram } from '../scenarios/vault_program.ts';
import { startProgram } from './program.ts';

let server: PostgresServer;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), 'migrate-'));
  await createKekFile(join(folder, 'kek'));
  await server.createRole('service');
});
afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

test('a vault whose role may create nothing serves what the owner has migrated', async () => {
  const url = await server.createDatabase();
  const environment = {
    DATABASE_URL: url.replace('vault@', 'service@'),
    MIGRATE: 'off',
    KEY_SOURCE: 'file:./kek',
    AUDIT_FILE: '-',
  };

  expect(await endOfProgram(folder, environment)).toMatchObject({
    code: 65,
    stderr: expect.stringContaining('token-vault database migrate'),
  });

  const migrate = ['database', 'migrate', '--grant-to', 'service'];
  const migrated = await startProgram(migrate, { environment: { TOKENVAULT_DATABASE_URL: url } }).ended;
  expect(migrated).toMatchObject({ code: 0, stdout: expect.stringContaining('The database is migrated.') });
  const again = await startProgram(migrate, { environment: { TOKENVAULT_DATABASE_URL: url } }).ended;
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('needs no migration') });

  const vault = await serveProgram(folder, environment);
  expect((await vault.stop()).code).toBe(0);
});

test('if the role may not create tables, the message names the owner', async () => {
  const url = (await server.createDatabase()).replace('vault@', 'service@');

  const { code, stderr } = await startProgram(['database', 'migrate'], {
    environment: { TOKENVAULT_DATABASE_URL: url },
  }).ended;

  expect(code).toBe(77);
  expect(stderr).toContain('as the owner of the tables');
});

test('a SQLite database is refused, since the vault migrates it itself', async () => {
  const { code, stderr } = await startProgram(['database', 'migrate'], {
    environment: { TOKENVAULT_DATABASE_URL: 'sqlite:./vault.db' },
  }).ended;

  expect(code).toBe(64);
  expect(stderr).toContain('SQLite');
});

test('an unknown role is named', async () => {
  const url = await server.createDatabase();

  const { code, stderr } = await startProgram(['database', 'migrate', '--grant-to', 'nobody-here'], {
    environment: { TOKENVAULT_DATABASE_URL: url },
  }).ended;

  expect(code).toBe(77);
  expect(stderr).toContain('--grant-to');
});
