import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Check, createReadiness } from '../../src/telemetry/readiness_checks.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const well: Check = async () => {};
const unwell: Check = () => Promise.reject(new Error('not well'));

async function watched(check: { now: Check }) {
  const readiness = await createReadiness([() => check.now()]);
  const heard: boolean[] = [];
  readiness.listen((ready) => heard.push(ready));
  return { readiness, heard };
}

test('follows its checks, and reports each change once', async () => {
  const check = { now: well };
  const { readiness, heard } = await watched(check);
  expect(readiness.ready).toBe(true);
  check.now = unwell;
  await vi.advanceTimersByTimeAsync(6_000);
  check.now = well;
  await vi.advanceTimersByTimeAsync(6_000);
  expect(heard).toEqual([false, true]);
});

test('a hanging check counts as failed, and its late result is ignored', async () => {
  const hanging = Promise.withResolvers<void>();
  const check = { now: () => hanging.promise };
  const starting = { now: well };
  const { heard } = await watched(starting);
  starting.now = check.now;
  await vi.advanceTimersByTimeAsync(4_000);
  expect(heard).toEqual([false]);
  starting.now = unwell;
  hanging.reject(new Error('late'));
  await vi.advanceTimersByTimeAsync(2_000);
  expect(heard).toEqual([false]);
  starting.now = well;
  await vi.advanceTimersByTimeAsync(2_000);
  expect(heard).toEqual([false, true]);
});

test('stays unready while draining', async () => {
  const { readiness, heard } = await watched({ now: well });
  readiness.drain();
  await vi.advanceTimersByTimeAsync(6_000);
  expect(heard).toEqual([false]);
});
