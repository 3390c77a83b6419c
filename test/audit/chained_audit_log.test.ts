import { createSecretKey, randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AuditFile, openAuditFile } from '../../src/audit/audit_file.ts';
import type { AuditCheckpoint, AuditEntry, AuditLedger, AuditLog } from '../../src/audit/audit_log.ts';
import { createChainedAuditLog } from '../../src/audit/chained_audit_log.ts';
import { verifyChain } from '../../src/audit/verify_chain.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => rmSync(folder, { recursive: true }));

function ledger(): AuditLedger & { checkpoint: AuditCheckpoint | undefined; key: Uint8Array } {
  const key = randomBytes(32);
  return {
    key,
    checkpoint: undefined,
    auditKey: async () => key,
    async saveCheckpoint(checkpoint) {
      this.checkpoint = checkpoint;
    },
    async lastCheckpoint() {
      return this.checkpoint;
    },
  };
}

const entry: AuditEntry = {
  time: Date.UTC(2026, 0, 2),
  requestId: 'r-1',
  caller: 'mail "sync"\n',
  credentialId: 'k1',
  rule: 'readers',
  method: 'TokenService/GetAccessToken',
  resource: 'tenants/acme/connections/ada',
  status: 'OK',
  duration: 0.1234,
  token: {
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read', 'User.Read'],
    source: 'CACHE',
    correlationId: undefined,
    fingerprint: 'abcd',
    expireTime: Date.UTC(2026, 0, 3),
  },
};

const write = (log: AuditLog, one: AuditEntry = entry) =>
  new Promise<VaultError | undefined>((resolve) => log.append(one, resolve));

const open = (l: AuditLedger, file: AuditFile = openAuditFile(path), more: object = {}) =>
  createChainedAuditLog({ file, ledger: l, clock: { now: () => 0 }, instance: 'i1', ...more });

const verify = (l: { key: Uint8Array; checkpoint: AuditCheckpoint | undefined }) =>
  verifyChain(readFileSync(path, 'utf8'), createSecretKey(l.key), l.checkpoint);

test('writes an entry as one line of JSON before it calls back', async () => {
  const log = await open(ledger());
  await write(log);
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes('"n":1'));
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({
    n: 1,
    time: '2026-01-02T00:00:00.000Z',
    caller: 'mail "sync"\n',
    status: 'OK',
    ms: 0.123,
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read', 'User.Read'],
    token_end: '2026-01-03T00:00:00.000Z',
  });
  await log.close();
});

test('chains on over restarts, and the whole verifies', async () => {
  const l = ledger();
  for (let run = 0; run < 3; run += 1) {
    const log = await open(l);
    await Promise.all([write(log), write(log), write(log)]);
    await write(log);
    await log.close();
  }
  expect(verify(l)).toEqual({ entries: 12, last: 12, torn: [], broken: [], cut: false });
});

test.each([
  ['an edited line', (text: string) => text.replace('"status":"OK"', '"status":"NO"')],
  [
    'a dropped line',
    (text: string) =>
      text
        .split('\n')
        .filter((line) => !line.includes('"n":2,'))
        .join('\n'),
  ],
  [
    'two lines that changed places',
    (text: string) => text.replace('"n":1,', '"n":X,').replace('"n":2,', '"n":1,').replace('"n":X,', '"n":2,'),
  ],
  [
    'a dropped group',
    (text: string) =>
      text
        .split('\n')
        .filter((_, i) => i < 2 || i > 5)
        .join('\n'),
  ],
])('finds %s', async (_, tamper) => {
  const l = ledger();
  const log = await open(l);
  for (let i = 0; i < 4; i += 1) await Promise.all([write(log), write(log)]);
  await log.close();
  writeFileSync(path, tamper(readFileSync(path, 'utf8')));
  expect(verify(l).broken).not.toEqual([]);
});

test('tells of a cut tail, at start and when it is verified', async () => {
  const l = ledger();
  const log = await open(l);
  await write(log);
  const length = readFileSync(path).length;
  await write(log);
  await log.close();
  truncateSync(path, length);
  expect(verify(l).cut).toBe(true);

  const alerts: string[] = [];
  const again = await open(l, openAuditFile(path), { alert: (topic: string) => alerts.push(topic) });
  await write(again);
  await again.close();
  expect(alerts).toEqual(['audit_cut']);
  expect(verify(l).broken).not.toEqual([]);
});

test('reports a line torn by a crash, and goes on behind it', async () => {
  const l = ledger();
  const log = await open(l);
  await write(log);
  await log.close();
  appendFileSync(path, '{"n":2,"time":"2026-');

  const alerts: string[] = [];
  const again = await open(l, openAuditFile(path), { alert: (topic: string) => alerts.push(topic) });
  await write(again);
  await again.close();
  const report = verify(l);
  expect(alerts).toEqual(['audit_torn']);
  expect(report).toMatchObject({ entries: 2, last: 2, broken: [], cut: false });
  expect(report.torn).toHaveLength(1);
});

test('lets nothing out while the disk refuses, leaves no half group behind, and recovers', async () => {
  const l = ledger();
  const real = openAuditFile(path);
  let full = false;
  const disk: AuditFile = Object.create(real, {
    write: {
      value: (group: string) => {
        if (full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
        real.write(group);
      },
    },
  });
  const log = await open(l, disk);
  expect(await write(log)).toBeUndefined();
  full = true;
  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
  expect(log.writable).toBe(false);
  full = false;
  expect(await write(log)).toBeUndefined();
  expect(log.writable).toBe(true);
  await log.close();
  expect(verify(l)).toMatchObject({ entries: 2, last: 2, broken: [], torn: [] });
});

test('sets a full file aside and chains on in the next', async () => {
  const l = ledger();
  const log = await open(l, openAuditFile(path), {
    rotateAt: 1_000,
    rotatedName: (last: number) => join(folder, `audit.${String(last).padStart(6, '0')}.jsonl`),
  });
  for (let i = 0; i < 9; i += 1) await write(log);
  await log.close();
  const files = readdirSync(folder).sort();
  expect(files.length).toBeGreaterThan(2);
  const text = files.map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  expect(verifyChain(text, createSecretKey(l.key))).toMatchObject({ entries: 9, broken: [], torn: [] });
});

test('gives a token a fingerprint that does not show the token', async () => {
  const log = await open(ledger());
  expect(log.fingerprint(new Secret('t1'))).toMatch(/^[0-9a-f]{16}$/);
  expect(log.fingerprint(new Secret('t1'))).toBe(log.fingerprint(new Secret('t1')));
  expect(log.fingerprint(new Secret('t2'))).not.toBe(log.fingerprint(new Secret('t1')));
  await log.close();
});
