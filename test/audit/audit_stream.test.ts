import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openAuditStream } from '../../src/audit/audit_log_on_stdout.ts';
import { MINUTE, SECOND } from '../../src/model/clock.ts';
import { createTestLedger, openLog, write } from './audit_world.ts';

/** A pipe as Node hands it to a program: it refuses instead of waiting when its reader lags. */
function pipe(): { fd: number; drain(): string } {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const fd = openSync(join(folder, 'pipe'), constants.O_RDWR | constants.O_NONBLOCK);
  onTestFinished(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });
  const bytes = Buffer.alloc(1 << 20);
  return { fd, drain: () => bytes.toString('utf8', 0, readSync(fd, bytes)) };
}

test('a full pipe rejects a group, and a written part of it stays on its own line', () => {
  const { fd, drain } = pipe();
  const stream = openAuditStream(fd, 20);
  expect(() => stream.write(`${'x'.repeat(100_000)}\n`)).toThrow('EAGAIN');
  expect(stream.torn).toBe(true);
  drain();

  stream.write('{"n":1}\n');

  expect(stream.torn).toBe(false);
  expect(drain()).toBe('\n{"n":1}\n');
});

test('a pipe that rejects whole groups is not torn', () => {
  const { fd, drain } = pipe();
  const stream = openAuditStream(fd, 20);
  stream.write('x'.repeat(65_536));
  expect(() => stream.write('{"n":1}\n')).toThrow('EAGAIN');
  expect(stream.torn).toBe(false);
  drain();
  stream.write('{"n":2}\n');
  expect(drain()).toBe('{"n":2}\n');
});

/** Another thread that reads so many bytes, a little at a time. */
const READER = `
  const { workerData: { fd, length }, parentPort } = require('node:worker_threads');
  const { readSync } = require('node:fs');
  const bytes = Buffer.alloc(4096);
  const pause = new Int32Array(new SharedArrayBuffer(4));
  parentPort.postMessage('reading');
  let text = '';
  while (text.length < length) {
    try {
      text += bytes.toString('latin1', 0, readSync(fd, bytes));
    } catch {
      Atomics.wait(pause, 0, 0, 1);
    }
  }
  parentPort.postMessage(text);
`;

test('a slow reader is waited for', async () => {
  const { fd } = pipe();
  const group = `${'x'.repeat(300_000)}\n`;
  const reader = new Worker(READER, { eval: true, workerData: { fd, length: 2 * group.length } });
  await once(reader, 'message');
  const stream = openAuditStream(fd, MINUTE);
  stream.write(group);
  stream.write(group);
  expect(stream.torn).toBe(false);
  const [text] = await once(reader, 'message');
  expect(text).toBe(group + group);
});

test('a reader that stays away is waited for once, until it reads again', () => {
  const { fd, drain } = pipe();
  let now = 0;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => (now += SECOND / 2));
  onTestFinished(() => clock.mockRestore());
  const stream = openAuditStream(fd);
  /** How often the clock is read: the first time for the timeout. */
  const readsOfFailure = () => {
    clock.mockClear();
    expect(() => stream.write('{"n":1}\n')).toThrow('EAGAIN');
    return clock.mock.calls.length;
  };
  stream.write('x'.repeat(65_536));
  expect(readsOfFailure()).toBe(4);
  expect(readsOfFailure()).toBe(1);
  drain();
  stream.write('x'.repeat(65_536));
  expect(readsOfFailure()).toBe(4);
});

test('an error other than a full pipe is passed on at once', () => {
  const folder = mkdtempSync(join(tmpdir(), 'audit-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'read-only'), '');
  const fd = openSync(join(folder, 'read-only'), constants.O_RDONLY);
  onTestFinished(() => closeSync(fd));
  const stream = openAuditStream(fd, MINUTE);
  expect(() => stream.write('{"n":1}\n')).toThrow('EBADF');
  expect(stream.torn).toBe(false);
});

test('a stream stays writable for hours, and is neither synced, replaced nor closed', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
  const { fd, drain } = pipe();
  const alerts: string[] = [];
  const log = await openLog(createTestLedger(), openAuditStream(fd), { alert: (topic) => alerts.push(topic) });
  expect(await write(log)).toBeUndefined();
  await vi.advanceTimersByTimeAsync(10 * MINUTE);
  expect(await write(log)).toBeUndefined();
  expect([log.writable, alerts]).toEqual([true, []]);
  await log.close();
  writeSync(fd, 'open');
  expect(drain()).toMatch(/^\{"open":0,.*"n":1,.*"seal":1,.*"n":2,.*"seal":2,.*open$/s);
});
