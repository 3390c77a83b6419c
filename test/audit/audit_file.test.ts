import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { openAuditLog } from '../../src/audit/open_audit_log.ts';
import { createTestLedger, write } from './audit_world.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'audit-'));
  path = join(folder, 'audit.jsonl');
  return () => rmSync(folder, { recursive: true });
});

const open = () => openAuditLog(path, { ledger: createTestLedger(), clock: { now: () => 0 }, instance: 'i1' });

const NOT_REGULAR = { reason: 'AUDIT_UNAVAILABLE', message: expect.stringContaining('is not a regular file. Set') };

test('rejects a pipe without blocking', async () => {
  execFileSync('mkfifo', [path]);
  await expect(open()).rejects.toMatchObject(NOT_REGULAR);
});

test('rejects a folder, a device and a socket', async () => {
  mkdirSync(path);
  await expect(open()).rejects.toMatchObject(NOT_REGULAR);
  rmSync(path, { recursive: true });

  const server = createServer().listen(path);
  onTestFinished(() => void server.close());
  await expect(open()).rejects.toMatchObject(NOT_REGULAR);

  path = '/dev/null';
  await expect(open()).rejects.toMatchObject(NOT_REGULAR);
});

test('rejects a symbolic link, and does not change its target', async () => {
  const target = join(folder, 'target');
  writeFileSync(target, 'of somebody else');
  symlinkSync(target, path);
  await expect(open()).rejects.toMatchObject({
    reason: 'AUDIT_UNAVAILABLE',
    message: expect.stringContaining('is a symbolic link'),
  });
  expect(readFileSync(target, 'utf8')).toBe('of somebody else');
});

test('removes a pipe or a link in place of the next file', async () => {
  const target = join(folder, 'target');
  writeFileSync(target, 'of somebody else');
  symlinkSync(target, `${path}.next`);
  writeFileSync(path, '');
  const log = await open();
  expect(await write(log)).toBeUndefined();
  await log.close();
  expect(existsSync(`${path}.next`)).toBe(false);
  expect(readFileSync(target, 'utf8')).toBe('of somebody else');
});
