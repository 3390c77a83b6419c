import { hash, randomBytes } from 'node:crypto';
import { chmodSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenSource } from '../../src/gen/tokenvault/v1/access_token_pb.ts';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';
import { startSandbox } from '../../src/sandbox/start_sandbox.ts';
import { importAda, registerAcme } from './onboard.ts';
import { createClients, reasonOf } from './start_scenario.ts';
import { endOfProgram, serveProgram, type VaultProgram } from './vault_program.ts';

const CONNECTION = 'tenants/acme/connections/ada';
const ASK = { connection: CONNECTION, scopes: ['Mail.ReadOnly'] };

let sandbox: Sandbox;
let parent: string;
/** Holds a vault with one tenant and one connection whose token was handed out, stopped gracefully. */
let filled: string;
let token: string;
beforeAll(async () => {
  sandbox = await startSandbox({ userConsent: 'legacy' });
  parent = mkdtempSync(join(tmpdir(), 'restart-'));
  filled = mkdtempSync(join(parent, 'filled-'));
  const vault = await serveProgram(filled, { SANDBOX: sandbox.url });
  const clients = createClients(vault.addresses, {});
  await importAda({ sandbox, ...clients }, await registerAcme(clients), 'ada');
  token = (await clients.tokens.getAccessToken(ASK)).accessToken;
  clients.close();
  expect((await vault.stop()).code).toBe(0);
});
afterAll(async () => {
  await sandbox.close();
  rmSync(parent, { recursive: true, force: true });
});

function copy(): string {
  const folder = mkdtempSync(join(parent, 'copy-'));
  cpSync(filled, folder, { recursive: true });
  return folder;
}

const databaseOf = (folder: string) => join(folder, 'data', 'vault.db');
const fingerprint = (path: string) => hash('sha256', readFileSync(path), 'hex');

async function using<Result>(
  vault: VaultProgram,
  work: (clients: ReturnType<typeof createClients>) => Promise<Result>,
) {
  const clients = createClients(vault.addresses, {});
  try {
    return await work(clients);
  } finally {
    clients.close();
  }
}

test('a graceful stop exits with 0, and the next start serves the same token without Entra', async () => {
  const exchanges = () => sandbox.requests().filter(({ endpoint }) => endpoint === 'token').length;
  const before = exchanges();
  const vault = await serveProgram(copy(), { SANDBOX: sandbox.url });

  const answer = await using(vault, ({ tokens }) => tokens.getAccessToken(ASK));

  expect(answer).toMatchObject({ source: TokenSource.DATABASE, accessToken: token });
  expect(exchanges()).toBe(before);
  expect((await vault.stop()).code).toBe(0);
});

test('a stop waits for the response in progress', async () => {
  const vault = await serveProgram(copy(), { SANDBOX: sandbox.url });
  const clients = createClients(vault.addresses, {});
  await clients.tokens.getAccessToken(ASK);
  const hold = sandbox.holdNextToken({ stage: 'request' });
  const claims = '{"access_token":{"nbf":{"essential":true}}}';
  const underWay = clients.tokens.getAccessToken({ ...ASK, claims });
  await hold.arrived;

  const stopped = vault.stop();
  await expect.poll(async () => (await fetchStatus(`http://${vault.addresses.ops}/readyz`)) !== 200).toBe(true);
  hold.release();

  expect((await underWay).source).toBe(TokenSource.ENTRA);
  clients.close();
  expect((await stopped).code).toBe(0);
});

describe('a start that cannot succeed exits at once with a reason, and does not change the file', () => {
  async function refuses(folder: string, more: Record<string, string> = {}) {
    const path = databaseOf(folder);
    const before = fingerprint(path);
    const exit = await endOfProgram(folder, { SANDBOX: sandbox.url, ...more });
    expect(fingerprint(path)).toBe(before);
    expect(exit.stderr).not.toMatch(/^ +at /m);
    return exit;
  }

  test('another root key', async () => {
    const folder = copy();
    const kek = join(folder, 'keys', 'kek');
    chmodSync(kek, 0o600);
    writeFileSync(kek, randomBytes(32));
    chmodSync(kek, 0o400);

    const exit = await refuses(folder);

    expect(exit.code).not.toBe(0);
    expect(exit.stderr).toMatch(/key/i);
  });

  test('no root key: none is created for a database with data', async () => {
    const folder = copy();
    rmSync(join(folder, 'keys'), { recursive: true });

    const exit = await refuses(folder);

    expect(exit.code).not.toBe(0);
    expect(exit.stderr).toMatch(/kek/);
    expect(existsSync(join(folder, 'keys', 'kek'))).toBe(false);
  });

  test('a database of a newer version', async () => {
    const folder = copy();
    const database = new Sqlite(databaseOf(folder));
    const columns = database.prepare('PRAGMA table_info(migrations)').all() as { name: string; type: string }[];
    const values = columns.map(({ type }) => (/INT/i.test(type) ? 99_999 : 'from-the-future'));
    database.prepare(`INSERT INTO migrations VALUES (${columns.map(() => '?').join(', ')})`).run(...values);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();

    const exit = await refuses(folder);

    expect(exit.code).not.toBe(0);
    expect(exit.stderr).toMatch(/newer/i);
  });

  test('a database of a version whose sealed values do not open', async () => {
    const folder = copy();
    const database = new Sqlite(databaseOf(folder));
    database.exec(
      'DELETE FROM migrations WHERE created_at NOT IN (SELECT created_at FROM migrations ORDER BY created_at LIMIT 6)',
    );
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();

    const exit = await refuses(folder);

    expect(exit.code).toBe(65);
    expect(exit.stderr).toMatch(/before the first release/);
  });

  test.each([
    ['truncated', (bytes: Buffer) => bytes.subarray(0, bytes.length - 5_000)],
    ['no database at all', () => Buffer.from('this is a letter to my aunt\n'.repeat(500))],
  ])('%s', async (_what, damage) => {
    const folder = copy();
    const path = databaseOf(folder);
    for (const file of readdirSync(join(folder, 'data'))) {
      if (/-(wal|shm)$/.test(file)) rmSync(join(folder, 'data', file));
    }
    writeFileSync(path, damage(readFileSync(path)));

    const exit = await refuses(folder);

    expect(exit.code).not.toBe(0);
    expect(exit.stderr).toContain('vault.db');
  });

  test('a second vault on the same database; the first one keeps serving', async () => {
    const folder = copy();
    const first = await serveProgram(folder, { SANDBOX: sandbox.url });

    const second = await endOfProgram(folder, { SANDBOX: sandbox.url });

    expect(second.code).toBe(69);
    expect(second.stderr).toMatch(/another|in use|locked/i);
    expect(await using(first, ({ tokens }) => reasonOf(tokens.getAccessToken(ASK)))).toBe('OK');
    await first.stop();
  });

  test.each(['GRPC_ADDRESS', 'ADMIN_ADDRESS', 'WEB_ADDRESS', 'OPS_ADDRESS'])('a taken port: %s', async (variable) => {
    const taken = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.once('listening', resolve));
    const address = `127.0.0.1:${(taken.address() as { port: number }).port}`;

    const exit = await endOfProgram(copy(), { SANDBOX: sandbox.url, [variable]: address });

    expect(exit.code).not.toBe(0);
    expect(exit.code).not.toBe(null);
    expect(exit.stderr).toContain(address);
    expect(exit.stderr).not.toMatch(/^ +at /m);
    taken.close();
  });

  test('an unreachable sandbox', async () => {
    const exit = await refuses(copy(), { SANDBOX: 'http://127.0.0.1:1' });

    expect(exit.code).toBe(69);
    expect(exit.stderr).toContain('http://127.0.0.1:1');
  });
});

test('all configuration errors are reported at once with exit code 78, and no file is created', async () => {
  const folder = mkdtempSync(join(parent, 'faulty-'));

  const exit = await endOfProgram(folder, {
    GRPC_ADDRESS: 'nowhere',
    PUBLIC_URL: 'not a url',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://somewhere',
    KEY_SOURCE: 'env:KEK',
    NO_SUCH_VARIABLE: '1',
  });

  expect(exit.code).toBe(78);
  for (const name of ['GRPC_ADDRESS', 'PUBLIC_URL', 'LOG_LEVEL', 'DATABASE_URL', 'KEY_SOURCE', 'NO_SUCH_VARIABLE'])
    expect(exit.stderr).toContain(`TOKENVAULT_${name}`);
  expect(readdirSync(folder)).toEqual([]);
});

test('an invalid callers file exits with 78, without quoting its content', async () => {
  const folder = copy();
  writeFileSync(join(folder, 'callers.yaml'), 'callers:\n  - id: Mail Sync\n    api_keys: [tv1_this-is-a-key]\n');

  const exit = await endOfProgram(folder, { SANDBOX: sandbox.url, CALLERS_FILE: './callers.yaml' });

  expect(exit.code).toBe(78);
  expect(exit.stderr).toContain('callers.yaml');
  expect(exit.stderr).not.toContain('tv1_this-is-a-key');
});

test('if the audit log cannot be written, no token is returned and the vault is not ready', async () => {
  const vault = await serveProgram(copy(), { SANDBOX: sandbox.url, AUDIT_FILE: '-' });
  const readyz = `http://${vault.addresses.ops}/readyz`;
  await using(vault, async ({ tokens }) => {
    expect(await reasonOf(tokens.getAccessToken(ASK))).toBe('OK');
    // The pipe may deliver the entry after the response.
    await expect.poll(() => vault.written.stdout).toContain('"method":"TokenService/GetAccessToken"');
    expect(await fetchStatus(readyz)).toBe(200);

    // The collector of the log has exited.
    vault.child.stdout?.destroy();

    expect(await reasonOf(tokens.getAccessToken(ASK))).toBe('AUDIT_UNAVAILABLE');
    expect(await reasonOf(tokens.getAccessToken(ASK))).toBe('AUDIT_UNAVAILABLE');
    expect(await fetchStatus(readyz)).toBe(503);
    expect(await fetchStatus(`http://${vault.addresses.ops}/livez`)).toBe(200);
  });
  await vault.stop('SIGKILL');
});

test('a removed audit file is reported at the next start, once', async () => {
  const folder = copy();
  const first = await serveProgram(folder, { SANDBOX: sandbox.url });
  await first.stop();
  rmSync(join(folder, 'data/audit.jsonl'));

  const second = await serveProgram(folder, { SANDBOX: sandbox.url });
  await second.stop();
  const third = await serveProgram(folder, { SANDBOX: sandbox.url });
  await third.stop();

  const opened = [first, second, third].map((vault) => eventOf(vault, 'audit_stream_opened'));
  expect(opened[1]).toMatchObject({ after: 0, replaced: opened[0]?.['streamId'] });
  expect(opened[2]).toMatchObject({ streamId: opened[1]?.['streamId'] });
  expect(opened[2]).not.toHaveProperty('replaced');
  expect(eventOf(first, 'audit_alert')).toBeUndefined();
  expect(eventOf(second, 'audit_alert')).toMatchObject({ topic: 'audit_cut' });
  expect(eventOf(third, 'audit_alert')).toBeUndefined();
});

function eventOf({ written }: VaultProgram, event: string): Record<string, unknown> | undefined {
  const lines = written.stderr.split('\n').filter((line) => line.startsWith('{'));
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>).find((line) => line['event'] === event);
}

async function fetchStatus(url: string): Promise<number> {
  try {
    const response = await fetch(url);
    await response.body?.cancel();
    return response.status;
  } catch {
    return 0;
  }
}
