import { afterEach, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { VaultStatus } from '../../src/status/vault_status.ts';
import { sampleApp, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { caller, type Stage, type StageOptions, startStage } from '../rpc/stage.ts';
import { temporaryFiles } from './import_program.ts';
import { startProgram } from './program.ts';

let stage: Stage;
afterEach(() => stage.close());

const app = sampleApp(sampleTenant('acme'));
const expireTime = Date.now() + 20 * DAY + DAY / 2;
const credential = { ...sampleCredential(app, 'default').credential, expireTime };
const replica = { version: '0.1.0', startTime: Date.parse('2026-05-01T12:00:00Z'), feedPosition: 40 };

const sample: VaultStatus = {
  replica: 'mail-vault-7d9f-1',
  version: '0.1.0',
  ready: true,
  checks: [{ name: 'storage', state: 'ok', message: undefined }],
  database: { product: 'PostgreSQL', version: '18.4', migration: '0006_replicas' },
  replicas: [
    { ...replica, name: 'mail-vault-7d9f-1', heartbeatAge: 1_500, changesBehind: 0 },
    { ...replica, name: 'mail-vault-7d9f-2', heartbeatAge: 4_000, changesBehind: 3 },
  ],
  leaders: [
    { job: 'background_jobs', replica: 'mail-vault-7d9f-2', leaseRemaining: 21_000 },
    { job: 'outbox', replica: undefined, leaseRemaining: 3_000 },
  ],
  feed: { lag: 300, behind: false, position: 43 },
  rootKeys: { ids: ['aa'.repeat(16), 'bb'.repeat(16)], currentSince: Date.now() - 40 * DAY },
  callersFile: { sha256: 'cc'.repeat(32), loadTime: Date.now() - 2 * DAY },
  containments: [],
  expiring: [{ app, credential }],
  unread: [],
};

async function run(answer: VaultStatus | VaultError, args: readonly string[] = [], options: StageOptions = {}) {
  const read = async () => {
    if (answer instanceof VaultError) throw answer;
    return answer;
  };
  stage = await startStage({ status: { read }, ...options });
  return startProgram(['status', ...args, '--address', stage.address]).ended;
}

test('a ready vault is shown in tables of 80 columns, with 0', async () => {
  const checks = ['storage', 'token_issuers'].map((name) => ({ name, state: 'ok' as const, message: undefined }));
  const { code, stdout } = await run({ ...sample, checks });

  expect(code).toBe(0);
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
  const day = new Date(expireTime).toISOString().slice(0, 16).replace('T', ' ');
  expect(stdout).toBe(`Token Vault 0.1.0 on mail-vault-7d9f-1: ready

storage        ok
token_issuers  ok

Database  PostgreSQL 18.4, 0006_replicas
Changes   newest 43, read 0 s ago
Root key  ${'aa'.repeat(16)}, for 40 days
          ${'bb'.repeat(16)}, not active
Callers   ${'cc'.repeat(16)}…, for 2 days

STARTED (UTC)     HEARTBEAT  BEHIND  VERSION  REPLICA
2026-05-01 12:00  1 s ago    0       0.1.0    mail-vault-7d9f-1
2026-05-01 12:00  4 s ago    3       0.1.0    mail-vault-7d9f-2

LEASE  JOB              LEADER
21 s   background_jobs  mail-vault-7d9f-2
3 s    outbox           unknown

EXPIRES (UTC)     IN       CREDENTIAL
${day}  20 days  tenants/acme/apps/default/credentials/default
`);
});

test('a vault that is not ready is shown with the reason, and with 75', async () => {
  const message = 'The file of the database was moved while the vault runs. Put it back, or restore the database.';
  const { code, stdout } = await run({
    ...sample,
    ready: false,
    checks: [{ name: 'storage', state: 'failing', message }],
    replicas: [],
    leaders: [],
    database: undefined,
    rootKeys: undefined,
    unread: [
      { part: 'replicas', message: 'It is closed.' },
      { part: 'leaders', message: 'It is closed.' },
    ],
  });

  expect(code).toBe(75);
  expect(stdout).toContain('mail-vault-7d9f-1: NOT READY');
  expect(stdout).toContain(
    'storage  FAILING: The file of the database was moved while the vault runs. Put\n         it back, ',
  );
  expect(stdout).toContain('Cannot be read: replicas. It is closed.\nCannot be read: leaders.');
  expect(stdout).not.toMatch(/REPLICA|LEADER|No replica/);
});

test('with --json it is one object with the names of the API', async () => {
  const { code, stdout } = await run(sample, ['--json']);

  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({
    ready: true,
    checks: [{ name: 'storage', state: 'STATE_OK', message: '' }],
    replicas: [{ heartbeat_age: '1.500s', changes_behind: '0' }, { changes_behind: '3' }],
    leaders: [{ job: 'background_jobs', lease_remaining: '21s' }, { replica: '' }],
    expiring_credentials: [{ name: 'tenants/acme/apps/default/credentials/default' }],
    unread: [],
  });
});

test('control characters of a name do not reach the terminal', async () => {
  const { stdout } = await run({ ...sample, replica: 'host\u001b[2J-1' });

  expect(stdout).toContain('host?[2J-1');
});

test('a vault whose audit log fails is not ready, with 75', async () => {
  const { code, stderr } = await run(new VaultError('AUDIT_UNAVAILABLE', 'The audit log cannot be written.'));

  expect(code).toBe(75);
  expect(stderr).toContain('The vault is not ready. The audit log cannot be written. [AUDIT_UNAVAILABLE]');
});

test('the key of a token reader is refused, with 77', async () => {
  const { key, known } = caller('mail', 'token_reader', '*');
  const { code, stderr } = await run(sample, ['--api-key-file', temporaryFiles().write('key', key)], { keys: [known] });

  expect([code, stderr]).toEqual([77, expect.stringContaining('[ACCESS_DENIED]')]);
});

test('an address where no vault answers gives 69', async () => {
  stage = await startStage();
  await stage.close();

  const { code, stderr } = await startProgram(['status', '--address', stage.address]).ended;

  expect([code, stderr]).toEqual([69, expect.stringContaining('No vault answers')]);
});
