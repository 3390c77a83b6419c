import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { importAda, registerAcme } from './onboard.ts';
import { createClients } from './start_scenario.ts';
import { endOfProgram, serveProgram } from './vault_program.ts';

let server: PostgresServer;
let sandbox: Sandbox;
let folder: string;
beforeAll(async () => {
  server = await startPostgres();
  await server.query('CREATE ROLE crowded LOGIN CONNECTION LIMIT 0');
  sandbox = await startSandbox({ userConsent: 'legacy' });
  folder = mkdtempSync(join(tmpdir(), 'postgres-vault-'));
  writeFileSync(join(folder, 'kek'), randomBytes(32), { mode: 0o600 });
});
afterAll(async () => {
  await sandbox.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (url: string) => ({
  DATABASE_URL: url,
  KEY_SOURCE: 'file:./kek',
  SANDBOX: sandbox.url,
  AUDIT_FILE: '-',
});

test('five processes that start at once on an empty database share one vault', async () => {
  const url = await server.createDatabase();
  const vaults = await Promise.all(Array.from({ length: 5 }, () => serveProgram(folder, environment(url))));
  const [first, second] = vaults.map(({ addresses }) => createClients(addresses, {}));

  if (first === undefined || second === undefined) throw new TypeError('no client');
  const connection = await importAda({ sandbox, ...first }, await registerAcme(first), 'ada');
  const token = await first.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });

  expect(await second.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] })).toMatchObject({
    source: TokenSource.DATABASE,
    accessToken: token.accessToken,
  });
  first.close();
  second.close();
  expect((await Promise.all(vaults.map((vault) => vault.stop()))).map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
});

test.each([
  ['nothing listens', () => 'postgres://vault@127.0.0.1:1/vault', 69, 'cannot be reached'],
  ['the role does not exist', () => `postgres://nobody@127.0.0.1:${server.port}/postgres`, 77, 'rejects the user'],
  ['the database does not exist', () => `postgres://vault@127.0.0.1:${server.port}/missing`, 66, 'does not exist'],
  [
    'the role has no timeouts',
    () => `postgres://postgres@127.0.0.1:${server.port}/postgres`,
    78,
    "ALTER ROLE postgres SET statement_timeout = '10s'",
  ],
  [
    'the server has no TLS',
    () => `postgres://vault@127.0.0.1:${server.port}/postgres?sslmode=verify-full`,
    78,
    'does not support TLS',
  ],
  ['the role may not create tables', () => `postgres://vault@127.0.0.1:${server.port}/postgres`, 77, 'rights'],
  [
    'the role has no connection left',
    () => `postgres://crowded@127.0.0.1:${server.port}/postgres`,
    69,
    'lacks disk space, memory or connections',
  ],
  ['the URL names no user', () => 'postgres://db.example/vault', 78, 'must name a user'],
])('the start fails if %s', async (_, url, code, words) => {
  const exit = await endOfProgram(folder, environment(url()));

  expect(exit).toMatchObject({ code, stderr: expect.stringContaining(words) });
  expect(exit.stdout).not.toContain('tokens');
});
