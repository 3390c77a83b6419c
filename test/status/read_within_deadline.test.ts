import { expect, test, vi } from 'vitest';
import { createPartReader } from '../../src/status/read_within_deadline.ts';

test('a part that takes too long is given up, and joined until it ends instead of being read again', async () => {
  vi.useFakeTimers();
  const { promise, resolve } = Promise.withResolvers<string>();
  const work = vi.fn(() => promise);
  const read = createPartReader();

  const late = expect(read('replicas', work)).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  await vi.advanceTimersByTimeAsync(2_000);
  await late;
  vi.useRealTimers();

  const joined = read('replicas', work);
  resolve('all');
  expect(await joined).toBe('all');
  expect(work).toHaveBeenCalledTimes(1);
  expect(await read('replicas', async () => 'again')).toBe('again');
});

test('parts do not wait for each other, and a failure is not kept', async () => {
  const read = createPartReader();
  void read('slow', () => new Promise<never>(() => {})).catch(() => {});
  await expect(read('leaders', () => Promise.reject(new Error('away')))).rejects.toThrow('away');
  expect(await read('leaders', async () => 'back')).toBe('back');
});
