import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openAuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditLog } from '../../src/audit/audit_log_interface.ts';
import { createTestLedger, ENTRY, openLog, type TestLedger, verifyLedger, write } from './audit_world.ts';
import { type FailingDisk, openFailingDisk } from './failing_disk.ts';

let folder: string;
let path: string;
let ledger: TestLedger;
let disk: FailingDisk;
let log: AuditLog;
let alerts: string[];
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
  ledger = createTestLedger();
  disk = openFailingDisk(path);
  alerts = [];
  log = await open(disk);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const open = (file: FailingDisk) =>
  openLog(ledger, file, { rotatedName: (last) => `${path}.${last}`, alert: (topic) => alerts.push(topic) });

const second = () => vi.advanceTimersByTimeAsync(1_000);

/** The disk has taken what was written so far. */
async function synced(): Promise<void> {
  const { syncs } = disk;
  await second();
  await until(() => disk.syncs > syncs);
}

/** Until the log is as expected: real disks answer when they do. */
const until = (is: () => boolean) => vi.waitFor(() => expect(is()).toBe(true), { timeout: 20_000 });

/** The disk refuses once, and the log goes on in another file. */
async function fail(): Promise<void> {
  disk.failNext(1);
  await second();
  await until(() => disk.replacing.count === 1 && log.writable);
}

/** Oldest file first. */
function texts(): string[] {
  const asideNames = readdirSync(folder).filter((name) => name !== 'audit.jsonl');
  return [...asideNames.sort(), 'audit.jsonl'].map((name) => readFileSync(join(folder, name), 'utf8'));
}

const verify = (files = texts()) => verifyLedger(ledger, files);

test('a checkpoint never includes entries that failed to sync', async () => {
  await write(log);
  await synced();
  await write(log);
  disk.failNext(1);
  await second();
  await write(log);
  await second();
  await log.close();

  disk.cutPower();

  expect(ledger.checkpoint?.lastNumber).toBe(3);
  expect(verify()).toMatchObject({ entries: 3, last: 3, broken: [], cut: false });
});

test('a failed sync causes one alert, and a new file begins with the gap', async () => {
  await write(log);
  await synced();
  await write(log);
  await fail();
  expect(await write(log)).toBeUndefined();
  await log.close();

  const [aside, present] = texts();
  expect(alerts).toEqual(['audit_sync']);
  expect(aside).toContain('"n":2,');
  expect(JSON.parse(present?.split('\n')[0] ?? '')).toMatchObject({ gap: 1, written: 2, error: 'EIO' });
  expect(present).toMatch(/"n":2,.*"n":3,/s);
  expect(existsSync(`${path}.next`)).toBe(false);
});

test('the log before a gap may end anywhere between the synced and the written point', async () => {
  await write(log);
  await synced();
  const durable = readFileSync(path).length;
  await write(log);
  await write(log);
  await fail();
  await write(log);
  await log.close();

  const [aside = '', present = ''] = texts();
  for (let end = durable; end <= aside.length; end += 1) {
    const left = `${aside.slice(0, end)}\n`;
    expect(verify([left, present])).toMatchObject({ entries: 4, last: 4, broken: [], cut: false });
  }
  const damaged = aside.slice(0, durable) + aside.slice(durable).replace('"n":2,', '\0\0\0\0\0\0');
  expect(verify([damaged, present])).toMatchObject({ entries: 4, last: 4, broken: [] });
});

test('a gap excuses neither synced lines nor lines that it does not repeat', async () => {
  await write(log);
  await write(log);
  await synced();
  const durable = readFileSync(path, 'utf8');
  await write(log);
  await fail();
  await log.close();

  const [aside = '', present = ''] = texts();
  const firstGroup = durable.split('\n').slice(0, 4).join('\n');
  expect(verify([`${firstGroup}\n`, present]).broken).not.toEqual([]);
  expect(verify([aside.replace('"n":1,', '"n":9,'), present]).broken).not.toEqual([]);
  expect(verify([aside, present.replace('"status":"OK"', '"status":"NO"')]).broken).not.toEqual([]);
  expect(verify([aside, present.replace('"gap":2', '"gap":1')]).broken).not.toEqual([]);
});

test('entries wait while the file is replaced, and are written afterwards', async () => {
  await write(log);
  const release = disk.hold();
  disk.failNext(1);
  await second();
  const written = write(log);
  release();
  await until(() => log.writable);

  expect(await written).toBeUndefined();
  await log.close();
  expect(verify()).toMatchObject({ entries: 2, last: 2, broken: [] });
});

test('rejects entries if the next file fails too, and retries with pauses', async () => {
  await write(log);
  disk.failNext(1);
  disk.replacing.refused = true;
  await second();
  await until(() => disk.replacing.count === 1);

  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
  for (let i = 0; i < 15; i += 1) await second();
  expect(disk.replacing.count).toBe(5);
  expect(log.writable).toBe(false);
  expect(ledger.checkpoint?.lastNumber).toBe(0);

  disk.replacing.refused = false;
  for (let i = 0; i < 16; i += 1) await second();
  await until(() => log.writable);
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(alerts).toEqual(['audit_sync']);
  expect(verify()).toMatchObject({ entries: 2, last: 2, broken: [], cut: false });
});

test('a hanging disk blocks entries after 8 MiB, and the log is not writable', async () => {
  const release = disk.hold();
  const large = { ...ENTRY, resource: 'r'.repeat(2 ** 20) };
  for (let i = 0; i < 8; i += 1) expect(await write(log, large)).toBeUndefined();
  let answered = 0;
  const last = Array.from({ length: 12 }, async () => {
    const refused = await write(log, large);
    answered += 1;
    return refused?.reason;
  });
  await second();
  await second();
  // Those beyond the room for what waits are refused at once.
  expect(answered).toBe(4);
  expect(log.writable).toBe(false);

  release();
  const outcomes = await Promise.all(last);
  expect(outcomes.filter((one) => one === undefined)).toHaveLength(8);
  expect(outcomes.filter((one) => one === 'AUDIT_UNAVAILABLE')).toHaveLength(4);
  await until(() => log.writable);
  await log.close();
  expect(verify()).toMatchObject({ entries: 16, broken: [], torn: [] });
});

test('a full file that fails to sync is followed by a gap', async () => {
  await log.close();
  disk = openFailingDisk(path);
  log = await openLog(ledger, disk, {
    rotateAt: 1_000,
    rotatedName: (last) => `${path}.${last}`,
    alert: (topic) => alerts.push(topic),
  });
  disk.failNext(1);
  for (let i = 0; i < 5; i += 1) expect(await write(log)).toBeUndefined();
  await log.close();

  disk.cutPower();
  expect(alerts).toEqual(['audit_sync']);
  expect(texts()[1]).toMatch(/^\{"gap":0,.*"written":[23],/);
  expect(verify()).toMatchObject({ entries: 5, last: 5, broken: [], cut: false });
});

test('a crash during a replacement keeps the unsynced groups in a file next to the log', async () => {
  await write(log);
  await log.close();
  writeFileSync(`${path}.next`, '{"gap":0,"previous":"');
  log = await openLog(ledger, openAuditFile(path));
  await log.close();
  expect(readFileSync(`${path}.unfinished`, 'utf8')).toBe('{"gap":0,"previous":"');
});

test('the start fails if lines of an earlier process cannot be synced', async () => {
  await log.close();
  disk = openFailingDisk(path);
  disk.failNext(1);
  await expect(open(disk)).rejects.toThrow('input/output error');
});
