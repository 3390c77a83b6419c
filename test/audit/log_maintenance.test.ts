import { closeSync, existsSync, mkdtempSync, openSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ChainedAuditLog, ChainedAuditLogParts } from '../../src/audit/hash_chained_audit_log.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import { createTestLedger, ENTRY, openLog, type TestLedger, verifyLedger, write } from './audit_world.ts';
import { type FailingDisk, openFailingDisk } from './failing_disk.ts';

let folder: string;
let path: string;
let ledger: TestLedger;
let disk: FailingDisk;
let alerts: string[];
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
  ledger = createTestLedger();
  alerts = [];
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function start(more: Partial<ChainedAuditLogParts> = {}): Promise<ChainedAuditLog> {
  disk = openFailingDisk(path);
  const rotatedName = (last: number) => `${path}.${last}`;
  return openLog(ledger, disk, { rotatedName, alert: (topic) => alerts.push(topic), ...more });
}

const seconds = (count = 1) => vi.advanceTimersByTimeAsync(count * SECOND);
const until = (is: () => boolean) => vi.waitFor(() => expect(is()).toBe(true), { timeout: 20_000 });

/** What the disk does once it fails. */
function fails(name: 'write' | 'location', work: () => never = failNow): () => void {
  Object.defineProperty(disk, name, { value: work, configurable: true });
  return () => Reflect.deleteProperty(disk, name);
}

function failNow(): never {
  throw Object.assign(new Error('input/output error'), { code: 'EIO' });
}

const textOf = (name = path) => readFileSync(name, 'utf8');
const names = () => readdirSync(folder).sort();
const openings = (name = path) =>
  textOf(name)
    .split('\n')
    .filter((line) => line.startsWith('{"open"'))
    .map((line) => JSON.parse(line) as { open: number; found: string });
const verify = () =>
  verifyLedger(
    ledger,
    [...names().filter((name) => name !== 'audit.jsonl'), 'audit.jsonl'].map((name) => textOf(join(folder, name))),
  );

test('an idle log writes, syncs and saves nothing', async () => {
  const save = vi.spyOn(ledger, 'saveStream');
  const log = await start();
  await write(log);
  await vi.advanceTimersByTimeAsync(MINUTE);
  await until(() => save.mock.calls.length === 2);
  const before = [textOf(), disk.syncs];
  await vi.advanceTimersByTimeAsync(5 * MINUTE);
  expect([textOf(), disk.syncs]).toEqual(before);
  expect(save).toHaveBeenCalledTimes(2);
  await log.close();
  expect(save).toHaveBeenCalledTimes(2);
  expect(ledger.checkpoint?.lastNumber).toBe(1);
});

test('a checkpoint that cannot be saved causes an alert, and is saved a minute later', async () => {
  const log = await start();
  await write(log);
  const save = vi.spyOn(ledger, 'saveStream').mockRejectedValueOnce(new Error('the database is away'));
  await vi.advanceTimersByTimeAsync(MINUTE);
  await until(() => alerts.length === 1);
  expect(alerts).toEqual(['audit_checkpoint']);
  expect(ledger.checkpoint?.lastNumber).toBe(0);
  await vi.advanceTimersByTimeAsync(MINUTE);
  await until(() => ledger.checkpoint?.lastNumber === 1);
  expect(save).toHaveBeenCalledTimes(2);
  expect(log.writable).toBe(true);
  await log.close();
});

test('a log needs no alerts: not of a cut, of a checkpoint, of a rotation or of a deleted file', async () => {
  const startSilent = () => {
    disk = openFailingDisk(path);
    return openLog(ledger, disk, { rotateAt: 100, rotatedName: () => join(folder, 'nowhere', 'aside') });
  };
  const log = await startSilent();
  expect(await write(log)).toBeUndefined();
  vi.spyOn(ledger, 'saveStream').mockRejectedValueOnce(new Error('the database is away'));
  await vi.advanceTimersByTimeAsync(MINUTE);
  rmSync(path);
  await seconds();
  await until(() => existsSync(path));
  expect(await write(log)).toBeUndefined();
  await log.close();
  rmSync(path);
  const again = await startSilent();
  expect(await write(again)).toBeUndefined();
  await again.close();
});

test('the first time of a stream stays, and its last time grows though the clock was set back', async () => {
  let now = 50;
  const clock = { now: () => now };
  await (await start({ clock })).close();
  now = 90;
  await (await start({ clock })).close();
  const first = ledger.checkpoint;
  expect(first).toMatchObject({ firstTime: 50, lastTime: 90 });
  rmSync(path);
  now = 10;
  await (await start({ clock })).close();
  expect(ledger.checkpoint).toMatchObject({ firstTime: 10, lastTime: 91 });
  expect(ledger.checkpoint?.streamId).not.toBe(first?.streamId);
});

test('the metrics have the entries and seconds of a group, and whether the log is writable', async () => {
  const group = vi.fn();
  const writable = vi.fn();
  const log = await start({ metrics: { group, writable } });
  expect(writable.mock.calls).toEqual([[true]]);
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += 2_000));
  const both = [write(log), write(log)];
  await Promise.all(both);
  clock.mockRestore();
  expect(group.mock.calls).toEqual([[2, 2]]);
  await log.close();
});

test('an entry is written though the log closes in the same turn, and none after it goes anywhere', async () => {
  const log = await start();
  const written = write(log);
  await log.close();
  expect(await written).toBeUndefined();
  expect(ledger.checkpoint?.lastNumber).toBe(1);
  expect(vi.getTimerCount()).toBe(0);

  const other = join(folder, 'other');
  const fds = Array.from({ length: 8 }, () => openSync(other, 'a'));
  expect(await write(log)).toMatchObject({ reason: 'AUDIT_UNAVAILABLE', retryAfter: SECOND });
  for (const fd of fds) closeSync(fd);
  expect(textOf(other)).toBe('');
});

test('half of what may wait for the disk is synced before the second is over', async () => {
  const log = await start();
  const { syncs } = disk;
  const large = { ...ENTRY, resource: 'r'.repeat(2 ** 20) };
  for (let i = 0; i < 5; i += 1) await write(log, large);
  await until(() => disk.syncs > syncs);
  await log.close();
});

test('a file that cannot be found out about makes the log unwritable until it can', async () => {
  const log = await start();
  const repair = fails('location');
  await seconds();
  expect([log.writable, alerts]).toEqual([false, ['audit_write']]);
  repair();
  await seconds();
  expect(log.writable).toBe(true);
  expect(openings().map(({ found }) => found)).toEqual(['whole', 'whole']);
  await log.close();
  expect(verify()).toMatchObject({ entries: 0, broken: [], torn: [] });
});

test('a part of a group that stays is named torn, by the next entry or by the maintenance', async () => {
  const log = await start();
  for (const isNoticed of [() => write(log), () => seconds()]) {
    const { write: realWrite } = disk;
    Object.defineProperty(disk, 'torn', { value: true, configurable: true });
    const repair = fails('write', () => {
      realWrite('{"n":');
      return failNow();
    });
    expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
    repair();
    realWrite('\n');
    await isNoticed();
    Reflect.deleteProperty(disk, 'torn');
    expect(log.writable).toBe(true);
  }
  await log.close();
  expect(openings().map(({ found }) => found)).toEqual(['whole', 'torn', 'torn']);
  expect(verify()).toMatchObject({ entries: 1, broken: [] });
});

test('files that follow a full or a moved one begin whole, and one that follows a deleted one begins cut', async () => {
  const log = await start({ rotateAt: 400 });
  await write(log);
  await until(() => disk.replacing.count === 1 && openings()[0]?.open === 1);
  renameSync(path, `${path}.moved`);
  await seconds();
  await until(() => existsSync(path));
  rmSync(path);
  await seconds();
  await until(() => existsSync(path));
  expect(openings(`${path}.1`)).toMatchObject([{ open: 0, found: 'whole' }]);
  expect(openings(`${path}.moved`)).toMatchObject([{ open: 1, found: 'whole' }]);
  expect(openings()).toMatchObject([{ open: 1, found: 'cut' }]);
  expect(alerts).toEqual(['audit_cut']);
  await log.close();
});

test('a file is rotated on request, with its number, and the chain continues', async () => {
  const log = await start();
  await write(log);
  expect(await log.rotate()).toEqual({ kind: 'rotated', after: 1 });
  await Promise.all([write(log), log.rotate(), log.rotate(), write(log)]);
  expect(await log.rotate()).toMatchObject({ kind: 'rotated' });
  await write(log);
  await log.close();
  expect(names().length).toBeGreaterThan(2);
  expect(openings(`${path}.1`)).toMatchObject([{ open: 0, found: 'whole' }]);
  expect(openings()).toMatchObject([{ open: 3, found: 'whole' }]);
  expect(verify()).toMatchObject({ entries: 4, last: 4, broken: [], cut: false });
  expect(alerts).toEqual([]);
});

test('a file without entries is not rotated', async () => {
  const log = await start();
  expect(await log.rotate()).toEqual({ kind: 'nothing' });
  await write(log);
  await log.rotate();
  expect(await log.rotate()).toEqual({ kind: 'nothing' });
  await log.close();
  expect(names()).toEqual(['audit.jsonl', 'audit.jsonl.1']);
});

test('a rotation on request that fails causes an alert, and entries go to the file before', async () => {
  const log = await start();
  await write(log);
  disk.replacing.refused = true;
  expect(await log.rotate()).toEqual({ kind: 'failed' });
  expect(await write(log)).toBeUndefined();
  expect([alerts, names()]).toEqual([['audit_write'], ['audit.jsonl']]);
  disk.replacing.refused = false;
  expect(await log.rotate()).toEqual({ kind: 'rotated', after: 2 });
  await log.close();
  expect(verify()).toMatchObject({ entries: 2, broken: [] });
});

test('a file that logrotate moved before its signal is not moved again', async () => {
  const log = await start();
  await write(log);
  renameSync(path, `${path}.20261130`);
  expect(await log.rotate()).toEqual({ kind: 'rotated', after: 1 });
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(names()).toEqual(['audit.jsonl', 'audit.jsonl.20261130']);
  expect(verify()).toMatchObject({ entries: 2, broken: [] });
});

test('entries are refused while a deleted file cannot be made again', async () => {
  const log = await start();
  rmSync(path);
  disk.replacing.refused = true;
  await seconds();
  await until(() => !log.writable);
  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
  expect(alerts).toEqual(['audit_cut', 'audit_write']);
  disk.replacing.refused = false;
  await seconds();
  await until(() => log.writable);
  expect(await write(log)).toBeUndefined();
  expect(alerts).toEqual(['audit_cut', 'audit_write']);
  await log.close();
  expect(openings()).toMatchObject([{ open: 0, found: 'cut' }]);
});

test('a log that closes while its disk fails repeats its entries in another file, if one can be made', async () => {
  const log = await start();
  await write(log);
  disk.failNext(1);
  disk.replacing.refused = true;
  await seconds();
  await until(() => disk.replacing.count === 1);
  disk.replacing.refused = false;
  await log.close();
  disk.cutPower();
  expect(disk.replacing.count).toBe(2);
  expect(textOf()).toMatch(/^\{"gap":0,.*"written":1,.*"n":1,/s);
  expect(ledger.checkpoint?.lastNumber).toBe(1);
  expect(verify()).toMatchObject({ entries: 1, last: 1, broken: [], cut: false });
});

test('a full file whose disk fails, and that cannot be replaced, refuses entries', async () => {
  const log = await start({ rotateAt: 400 });
  disk.failNext(1);
  disk.replacing.refused = true;
  expect(await write(log)).toBeUndefined();
  await until(() => disk.replacing.count === 1 && !log.writable);
  expect((await write(log))?.reason).toBe('AUDIT_UNAVAILABLE');
  expect(alerts).toEqual(['audit_sync']);
  disk.replacing.refused = false;
  await seconds();
  await until(() => log.writable);
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(verify()).toMatchObject({ entries: 2, last: 2, broken: [] });
});

test('a rotation that failed is tried again after a megabyte, and not for each group', async () => {
  const log = await start({ rotateAt: 400 });
  disk.replacing.refused = true;
  for (let i = 0; i < 5; i += 1) expect(await write(log)).toBeUndefined();
  expect([disk.replacing.count, log.writable, alerts]).toEqual([1, true, ['audit_write']]);
  disk.replacing.refused = false;
  await write(log, { ...ENTRY, resource: 'r'.repeat(2 ** 20) });
  await until(() => existsSync(`${path}.6`));
  await log.close();
});

test('a file that is as long as allowed is rotated', async () => {
  const log = await start({ rotateAt: 400 });
  Object.defineProperty(disk, 'size', { value: 400 });
  await write(log);
  await until(() => disk.replacing.count === 1);
  await log.close();
});

test('a disk that hangs for one second is no fault', async () => {
  const log = await start();
  const release = disk.hold();
  const large = { ...ENTRY, resource: 'r'.repeat(2 ** 20) };
  for (let i = 0; i < 8; i += 1) expect(await write(log, large)).toBeUndefined();
  await seconds();
  expect(log.writable).toBe(true);
  await seconds();
  expect([log.writable, alerts]).toEqual([false, ['audit_sync']]);
  release();
  await until(() => log.writable);
  await log.close();
});

test('a group that fails to be written is given up, and its entries know the cause', async () => {
  const log = await start();
  const repair = fails('write');
  const refused = await write(log);
  expect(refused).toMatchObject({ reason: 'AUDIT_UNAVAILABLE', retryAfter: SECOND, cause: { code: 'EIO' } });
  repair();
  await seconds();
  expect(openings().map(({ found }) => found)).toEqual(['whole', 'whole']);
  await log.close();
});
