import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { type AuditFile, openAuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditLedger } from '../../src/audit/audit_log_interface.ts';
import { openAuditLog } from '../../src/audit/open_audit_log.ts';
import { VaultError } from '../../src/model/errors.ts';
import { createTestLedger, write } from './audit_world.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
  return () => rmSync(folder, { recursive: true });
});

const textOf = (name = path) => readFileSync(name, 'utf8');
const names = () => readdirSync(folder).sort();

/** Descriptors of this process on the folder and what is in it. */
function openDescriptors(): number {
  const isHere = (fd: string) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  };
  return readdirSync('/proc/self/fd').filter(isHere).length;
}

/** As on a full disk: what would make a file longer than this fails, after a part was written. */
function withLongestFile(length: number, work: () => void): void {
  const limits = (...options: string[]) =>
    execFileSync('prlimit', ['--pid', String(process.pid), ...options], { encoding: 'utf8' });
  const before = limits('--fsize', '--raw', '--noheadings', '--output', 'SOFT').trim();
  const ignore = () => {};
  process.on('SIGXFSZ', ignore);
  limits(`--fsize=${length}:`);
  try {
    work();
  } finally {
    limits(`--fsize=${before}:`);
    process.off('SIGXFSZ', ignore);
  }
}

function failsToWrite(file: AuditFile, group: string): void {
  expect(() => file.write(group)).toThrow('EFBIG');
}

test('a replaced file keeps its text under the other name, and is closed', async () => {
  const file = openAuditFile(path);
  file.write('first\n');
  await file.replace(`${path}.1`, 'next\n');
  file.write('second\n');
  expect(names()).toEqual(['audit.jsonl', 'audit.jsonl.1']);
  expect([textOf(`${path}.1`), textOf()]).toEqual(['first\n', 'next\nsecond\n']);
  expect([file.size, file.torn, file.location()]).toEqual([12, false, 'here']);
  expect(openDescriptors()).toBe(1);
  file.close();
  expect(openDescriptors()).toBe(0);
});

test('a replacement that fails leaves the names as before, and writing continues', async () => {
  const file = openAuditFile(path);
  file.write('first\n');
  const replaced = file.replace(`${path}.1`, 'next\n');
  rmSync(`${path}.next`);
  await expect(replaced).rejects.toMatchObject({ code: 'ENOENT', syscall: 'rename' });
  file.write('second\n');
  expect(names()).toEqual(['audit.jsonl']);
  expect(textOf()).toBe('first\nsecond\n');
  expect(openDescriptors()).toBe(1);
  file.close();
});

test('a replacement of a deleted file can fail too', async () => {
  const file = openAuditFile(path);
  rmSync(path);
  const replaced = file.replace(`${path}.1`, 'next\n');
  rmSync(`${path}.next`);
  await expect(replaced).rejects.toMatchObject({ code: 'ENOENT', syscall: 'rename' });
  expect(names()).toEqual([]);
  file.close();
});

test('a file that another program renames is moved, and one that it deletes or truncates is cut', () => {
  const file = openAuditFile(path);
  file.write('first\n');
  expect(file.location()).toBe('here');
  renameSync(path, `${path}.1`);
  expect(file.location()).toBe('moved');
  writeFileSync(path, '');
  expect(file.location()).toBe('moved');
  renameSync(`${path}.1`, path);
  truncateSync(path, 3);
  expect(file.location()).toBe('cut');
  rmSync(path);
  expect(file.location()).toBe('cut');
  file.close();
});

test('files that are set aside never overwrite each other', async () => {
  const file = openAuditFile(path);
  for (const text of ['first\n', 'second\n', 'third\n']) {
    file.write(text);
    await file.setAside();
  }
  file.close();
  expect(names()).toEqual(['', '.unknown', '.unknown-1', '.unknown-2'].map((end) => `audit.jsonl${end}`));
  expect([textOf(), textOf(`${path}.unknown`), textOf(`${path}.unknown-2`)]).toEqual(['', 'first\n', 'third\n']);
});

test('the first and the last bytes are read, and no more than there are', () => {
  writeFileSync(path, 'first\nlast\n');
  const file = openAuditFile(path);
  expect([file.head(3), file.tail(3)]).toEqual(['fir', 'st\n']);
  expect([file.head(99), file.tail(99)]).toEqual(['first\nlast\n', 'first\nlast\n']);
  file.close();
});

test('a next file that repeats no failed groups is removed at the start', () => {
  writeFileSync(path, 'first\n');
  writeFileSync(`${path}.next`, '{"open":1');
  openAuditFile(path).close();
  expect(names()).toEqual(['audit.jsonl']);
  expect(openDescriptors()).toBe(0);
});

test('a group that a full disk took in part is removed again', () => {
  const file = openAuditFile(path);
  file.write('first\n');
  withLongestFile(10, () => failsToWrite(file, 'second\n'));
  expect([file.size, file.torn, textOf()]).toEqual([6, false, 'first\n']);
  withLongestFile(6, () => failsToWrite(file, 'second\n'));
  file.write('third\n');
  expect([file.size, file.torn, textOf()]).toEqual([12, false, 'first\nthird\n']);
  file.close();
});

const parts = (ledger: AuditLedger = createTestLedger()) => ({ ledger, clock: { now: () => 0 }, instance: 'i1' });

test('the folder of the log is created, a full file is renamed to its last number, and its name has the host', async () => {
  const ledger = createTestLedger();
  path = join(folder, 'new', 'audit.jsonl');
  const log = await openAuditLog(path, { ...parts(ledger), rotateAt: 400 });
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(textOf(`${path}.1`)).toContain('"n":1,');
  expect(ledger.checkpoint).toMatchObject({ name: `${hostname()}:${path}`, lastNumber: 1 });
});

test('a log that cannot be opened names its path and the code of the error', async () => {
  writeFileSync(path, '');
  const inFile = join(path, 'audit.jsonl');
  await expect(openAuditLog(inFile, parts())).rejects.toMatchObject({
    reason: 'AUDIT_UNAVAILABLE',
    message: expect.stringContaining(`${inFile} (EEXIST)`),
    cause: { code: 'EEXIST' },
  });
  expect(() => openAuditFile(join(folder, 'missing', 'audit.jsonl'))).toThrow('ENOENT');
});

test('an error of the vault itself is passed on, and one without a code is named unknown', async () => {
  const failing = (error: unknown) => parts({ ...createTestLedger(), auditKey: () => Promise.reject(error) });
  const away = new VaultError('KEY_SOURCE_UNAVAILABLE', 'The key is away.');
  await expect(openAuditLog(path, failing(away))).rejects.toBe(away);
  const message = expect.stringContaining(`${path} (unknown error)`);
  await expect(openAuditLog(path, failing(new Error('odd')))).rejects.toMatchObject({ message });
  await expect(openAuditLog(path, failing('odd'))).rejects.toMatchObject({ message });
});

test.each(['-', '/dev/stdout'])('%s is standard output, and no file is made', async (name) => {
  const ledger = createTestLedger();
  const log = await openAuditLog(name, parts(ledger));
  await log.close();
  expect(ledger.checkpoint).toMatchObject({ name: `${hostname()}:-`, lastNumber: 0 });
  expect(existsSync('-')).toBe(false);
});
