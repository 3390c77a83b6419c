import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { UNPRIVILEGED } from '../postgres/postgres_binaries.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';
import { endOfProgram, serveProgram } from './vault_program.ts';

let sandbox: Sandbox;
let server: PostgresServer;
let folder: string;
let certificate: string;
let database: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'postgres-tls-'));
  chmodSync(folder, 0o755);
  writeFileSync(join(folder, 'kek'), randomBytes(32), { mode: 0o600 });
  writeFileSync(join(folder, 'empty.pem'), 'no certificate');
  certificate = join(folder, 'server.pem');
  const keyFile = join(folder, 'server.key');
  const { key, cert } = makeCertificate('DNS:localhost');
  writeFileSync(certificate, cert);
  writeFileSync(keyFile, key, { mode: 0o600 });
  if (process.getuid?.() === 0) chownSync(keyFile, UNPRIVILEGED, UNPRIVILEGED);
  sandbox = await startSandbox({ userConsent: 'legacy' });
  server = await startPostgres(18, { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: keyFile });
  database = new URL(await server.createDatabase()).pathname;
});
afterAll(async () => {
  await sandbox.close();
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (host: string, authority?: string) => ({
  DATABASE_URL: `postgres://vault@${host}:${server.port}${database}?sslmode=verify-full`,
  KEY_SOURCE: 'file:./kek',
  AUDIT_FILE: '-',
  SANDBOX: sandbox.url,
  ...(authority !== undefined && { DATABASE_CA_FILE: authority }),
});

test('the vault uses a server whose certificate TOKENVAULT_DATABASE_CA_FILE verifies', async () => {
  const vault = await serveProgram(folder, environment('localhost', certificate));

  const connections = 'pg_stat_ssl JOIN pg_stat_activity USING (pid)';
  const rows = await server.query(`SELECT DISTINCT ssl FROM ${connections} WHERE application_name LIKE 'token-vault%'`);
  expect(rows).toEqual([{ ssl: true }]);
  expect((await vault.stop()).code).toBe(0);
});

test.each([
  ['no authority is named', 'localhost', () => undefined],
  ['the file of the authority has no certificate', 'localhost', () => join(folder, 'empty.pem')],
  ['the certificate is for another host name', '127.0.0.1', () => certificate],
])('the start fails with the next step if %s', async (_, host, authority) => {
  const exit = await endOfProgram(folder, environment(host, authority()));

  expect(exit).toMatchObject({
    code: 78,
    stderr: expect.stringContaining('TOKENVAULT_DATABASE_CA_FILE, and check the host name'),
  });
});
