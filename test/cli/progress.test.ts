import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startProgress } from '../../src/cli/import/progress_display.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(isTTY: boolean) {
  const written: string[] = [];
  const stream = Object.assign(
    new Writable({
      write(chunk: Buffer, _encoding, done) {
        written.push(chunk.toString('utf8'));
        done();
      },
    }),
    { isTTY, columns: 120 },
  );
  const counts = { imported: 0, alreadyThere: 0, skipped: 0, refused: 0, doubtful: 0 };
  const bytes = { read: 0, size: 1_000 as number | undefined };
  const progress = startProgress({ stream, counts, bytes: () => bytes, now: () => Date.now() });
  return { written, counts, bytes, progress };
}

test('without a terminal, a line every five seconds gives share, rate and time left', () => {
  const { written, counts, bytes, progress } = start(false);
  Object.assign(counts, { imported: 10_000, alreadyThere: 3, refused: 2 });
  bytes.read = 250;

  vi.advanceTimersByTime(5_000);
  progress.waiting('waiting 2 s (UNAVAILABLE)');
  vi.advanceTimersByTime(5_000);
  progress.stop();
  vi.advanceTimersByTime(60_000);

  expect(written).toEqual([
    '25 %, 10,005 connections, 2,001/s, 15 s left, 3 already there, 2 left out\n',
    '25 %, 10,005 connections, waiting 2 s (UNAVAILABLE), 1,001/s, 30 s left, 3 already there, 2 left out\n',
  ]);
});

test('a stream of unknown size has no share', () => {
  const { written, bytes, progress } = start(false);
  bytes.size = undefined;
  bytes.read = 250;

  vi.advanceTimersByTime(5_000);
  progress.stop();

  expect(written).toEqual(['0 connections, 0/s, 0 already there, 0 left out\n']);
});

test('a terminal gets a bar, which ends at 100% and keeps the terminal settings', () => {
  const { written, counts, bytes, progress } = start(true);
  counts.imported = 7;
  bytes.read = 1_000;

  vi.advanceTimersByTime(400);
  progress.stop();

  const text = written.join('');
  expect(text).toContain('100%  7 connections');
  expect(text).not.toContain('\u001b[?');
});
