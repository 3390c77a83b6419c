import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openAuditStream } from '../../src/audit/audit_log_on_stdout.ts';

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
  const stream = openAuditStream(fd);
  expect(() => stream.write(`${'x'.repeat(100_000)}\n`)).toThrow('EAGAIN');
  expect(stream.torn).toBe(true);
  drain();

  stream.write('{"n":1}\n');

  expect(stream.torn).toBe(false);
  expect(drain()).toBe('\n{"n":1}\n');
});

test('a pipe that rejects whole groups is not torn', () => {
  const { fd, drain } = pipe();
  const stream = openAuditStream(fd);
  stream.write('x'.repeat(65_536));
  expect(() => stream.write('{"n":1}\n')).toThrow('EAGAIN');
  expect(stream.torn).toBe(false);
  drain();
  stream.write('{"n":2}\n');
  expect(drain()).toBe('{"n":2}\n');
});
