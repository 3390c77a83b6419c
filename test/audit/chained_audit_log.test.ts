import { createSecretKey } from 'node:crypto';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type AuditFile, openAuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditEntry, AuditLedger, AuditLog } from '../../src/audit/audit_log_interface.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { Secret } from '../../src/model/secret.ts';
import { createTestLedger, openLog, type TestLedger, verifyChain, verifyLedger } from './audit_world.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const ledger = createTestLedger;

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
  peer: 'unknown',
  token: {
    requested: ['Mail.ReadOnly'],
    carried: ['Mail.Read', 'User.Read'],
    source: 'CACHE',
    correlationId: undefined,
    fingerprint: 'abcd',
    expireTime: Date.UTC(2026, 0, 3),
    subject: undefined,
  },
};

const write = (log: AuditLog, one: AuditEntry = entry) =>
  new Promise<VaultError | undefined>((resolve) => log.append(one, resolve));

const open = (l: AuditLedger, file: AuditFile = openAuditFile(path), more: object = {}) => openLog(l, file, more);

const verify = (l: TestLedger) => verifyLedger(l, [readFileSync(path, 'utf8')]);

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

test('continues the chain after restarts', async () => {
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

test('reports a cut tail at the start and in a verification', async () => {
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

test('reports a line torn by a crash, and continues after it', async () => {
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

test('rejects entries while the disk fails, truncates partial groups, and recovers', async () => {
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

test('rotates a full file, and continues the chain in the next', async () => {
  const l = ledger();
  const log = await open(l, openAuditFile(path), {
    rotateAt: 1_000,
    rotatedName: (last: number) => join(folder, `audit.${String(last).padStart(6, '0')}.jsonl`),
  });
  for (let i = 0; i < 9; i += 1) await write(log);
  await log.close();
  const files = readdirSync(folder).sort();
  expect(files.length).toBeGreaterThan(2);
  const texts = files.map((name) => readFileSync(join(folder, name), 'utf8'));
  expect(verifyChain(texts, createSecretKey(l.key))).toMatchObject({ entries: 9, broken: [], torn: [] });
});

/** A disk on which `write`, or `sync` of this file and each other, can be made to fail. */
function fickle(fails: { write?: (group: string) => void; sync?: boolean }): AuditFile {
  const real = openAuditFile(path);
  const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
  return Object.create(real, {
    write: { value: (group: string) => (fails.write ?? real.write)(group) },
    sync: { value: (done: (error: Error | null) => void) => (fails.sync ? done(full) : real.sync(done)) },
    replace: {
      value: (name: string, text: string) => (fails.sync ? Promise.reject(full) : real.replace(name, text)),
    },
  });
}

test('recovers without a call when the disk accepts writes again', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const l = ledger();
  const fails: Parameters<typeof fickle>[0] = {};
  const log = await open(l, fickle(fails));
  fails.write = () => {
    throw new Error('no space left on device');
  };
  await write(log);
  vi.advanceTimersByTime(1_000);
  expect(log.writable).toBe(false);
  delete fails.write;
  vi.advanceTimersByTime(1_000);
  expect(log.writable).toBe(true);
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(verify(l)).toMatchObject({ entries: 1, last: 1, broken: [], torn: [] });
});

test('is not writable while syncs fail', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const fails: Parameters<typeof fickle>[0] = {};
  const l = ledger();
  const log = await open(l, fickle(fails));
  fails.sync = true;
  await write(log);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(log.writable).toBe(false);
  await log.close();
  expect(l.checkpoint?.lastNumber).toBe(0);
});

test('continues after a partial group that could not be truncated', async () => {
  const l = ledger();
  const real = openAuditFile(path);
  let breaks = false;
  let torn = false;
  const disk: AuditFile = Object.create(real, {
    torn: { get: () => torn },
    write: {
      value: (group: string) => {
        torn = breaks;
        if (!breaks) return real.write(group);
        real.write(`${group.slice(0, 20)}\n`);
        throw new Error('no space left on device');
      },
    },
  });
  const log = await open(l, disk);
  await write(log);
  breaks = true;
  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
  breaks = false;
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(verify(l)).toMatchObject({ entries: 2, last: 2, broken: [] });
});

test('an entry that cannot be formatted leaves no gap', async () => {
  const l = ledger();
  const log = await open(l);
  expect(() => log.append({ ...entry, time: Number.NaN }, () => {})).toThrow(RangeError);
  await write(log);
  await log.close();
  expect(verify(l)).toMatchObject({ entries: 1, last: 1, broken: [] });
});

test('rejects entries after close', async () => {
  const log = await open(ledger());
  await log.close();
  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
});

test('creates a deleted file again, and sends an alert', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const alerts: string[] = [];
  const log = await open(ledger(), openAuditFile(path), { alert: (topic: string) => alerts.push(topic) });
  await write(log);
  rmSync(path);
  vi.advanceTimersByTime(1_000);
  await write(log);
  await log.close();
  expect(alerts).toEqual(['audit_cut']);
  expect(readFileSync(path, 'utf8')).toMatch(/"open":1,.*"found":"cut".*"n":2,/s);
});

test('continues in a new file if another program renames the file', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  const l = ledger();
  const alerts: string[] = [];
  const log = await open(l, openAuditFile(path), { alert: (topic: string) => alerts.push(topic) });
  await write(log);
  renameSync(path, join(folder, 'aside'));
  await write(log);
  vi.advanceTimersByTime(1_000);
  await write(log);
  await log.close();
  const texts = [join(folder, 'aside'), path].map((name) => readFileSync(name, 'utf8'));
  expect(verifyChain(texts, createSecretKey(l.key), l.checkpoint)).toMatchObject({
    entries: 3,
    broken: [],
    cut: false,
  });
  expect(alerts).toEqual([]);
});

test('completes a rotation that was killed between its two renames', async () => {
  const l = ledger();
  const more = { rotateAt: 1_000, rotatedName: (last: number) => `${path}.${last}` };
  const log = await open(l, openAuditFile(path), more);
  for (let i = 0; i < 3; i += 1) await write(log);
  await log.close();
  renameSync(path, `${path}.next`);

  const alerts: string[] = [];
  const again = await open(l, openAuditFile(path), { alert: (topic: string) => alerts.push(topic) });
  await write(again);
  await again.close();
  const names = readdirSync(folder).filter((name) => name !== 'audit.jsonl');
  const texts = [...names.map((name) => join(folder, name)), path].map((name) => readFileSync(name, 'utf8'));
  expect(alerts).toEqual([]);
  expect(verifyChain(texts, createSecretKey(l.key), l.checkpoint)).toMatchObject({
    entries: 4,
    broken: [],
    cut: false,
  });
});

test('retries a failed rotation later, and loses no entry', async () => {
  const l = ledger();
  const alerts: string[] = [];
  const log = await open(l, openAuditFile(path), {
    rotateAt: 500,
    rotatedName: () => join(folder, 'nowhere', 'aside'),
    alert: (topic: string) => alerts.push(topic),
  });
  for (let i = 0; i < 5; i += 1) expect(await write(log)).toBeUndefined();
  await log.close();
  expect(alerts).toEqual(['audit_write']);
  expect(verify(l)).toMatchObject({ entries: 5, broken: [] });
});

test('never overwrites a file in a rotation', async () => {
  const aside = join(folder, 'aside');
  writeFileSync(aside, 'evidence');
  const log = await open(ledger(), openAuditFile(path), { rotateAt: 500, rotatedName: () => aside });
  await write(log);
  await log.close();
  expect(readFileSync(aside, 'utf8')).toBe('evidence');
  expect(readFileSync(`${aside}-1`, 'utf8')).toContain('"n":1,');
});

test('fingerprints a token without revealing it', async () => {
  const log = await open(ledger());
  expect(log.fingerprint(new Secret('t1'))).toMatch(/^[0-9a-f]{16}$/);
  expect(log.fingerprint(new Secret('t1'))).toBe(log.fingerprint(new Secret('t1')));
  expect(log.fingerprint(new Secret('t2'))).not.toBe(log.fingerprint(new Secret('t1')));
  await log.close();
});
