import { expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';
import { createReread } from '../../src/tokens/reread_while_behind.ts';

const outage = () => Promise.reject(new VaultError('DATABASE_UNAVAILABLE', 'by the test'));

/** Sleeps never end, unless `isLate`. */
function rereadWith(feed?: { behind: boolean; stale: boolean }, isLate = false) {
  const sleeps: number[] = [];
  const sleep = (duration: number) => {
    sleeps.push(duration);
    return isLate ? Promise.resolve() : new Promise<void>(() => {});
  };
  return Object.assign(createReread({ timers: { sleep, every: () => () => {} }, feed }), { sleeps });
}

test('what is stored now is returned', async () => {
  expect(await rereadWith()(Promise.resolve('stored'), 'known')).toBe('stored');
  expect(await rereadWith()(Promise.resolve('stored'), undefined)).toBe('stored');
});

test('while the database cannot be read, what is known is used', async () => {
  expect(await rereadWith()(outage(), 'known')).toBe('known');
  expect(await rereadWith({ behind: true, stale: false })(outage(), 'known')).toBe('known');
});

test('a database that does not answer delays a request by two seconds', async () => {
  const reread = rereadWith({ behind: true, stale: false }, true);
  expect(await reread(new Promise<string>(() => {}), 'known')).toBe('known');
  expect(reread.sleeps).toEqual([2_000]);
});

test('nothing known is used once changes have been missing for too long, or after another error', async () => {
  const stale = { behind: true, stale: true };
  await expect(rereadWith(stale)(outage(), 'known')).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  await expect(rereadWith(stale, true)(new Promise(() => {}), 'known')).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    retryAfter: 1_000,
  });
  const corrupt = Promise.reject(new VaultError('RECORD_CORRUPT', 'by the test'));
  await expect(rereadWith()(corrupt, 'known')).rejects.toMatchObject({ reason: 'RECORD_CORRUPT' });
});

test('without anything known, the database is waited for', async () => {
  const reread = rereadWith(undefined, true);
  await expect(reread(outage(), undefined)).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  expect(reread.sleeps).toEqual([]);
});
