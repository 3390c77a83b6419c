import { expect, test } from 'vitest';
import { createInProgressLimit } from '../../src/tokens/in_progress_limit.ts';

const MOST = 32;

test('work beyond the limit of a caller is refused before it begins', async () => {
  const limited = createInProgressLimit(MOST, 'Too many.');
  const end = Promise.withResolvers<string>();
  const running = Array.from({ length: MOST }, () => limited('mail', () => end.promise));
  let begun = 0;
  const another = async () => {
    begun += 1;
    return 'verified';
  };

  await expect(limited('mail', another)).rejects.toMatchObject({ reason: 'OVERLOADED' });
  expect(begun).toBe(0);
  expect(await limited('other', another)).toBe('verified');

  end.resolve('verified');
  await Promise.all(running);
  expect(await limited('mail', another)).toBe('verified');
});

test('work that fails leaves its place', async () => {
  const limited = createInProgressLimit(MOST, 'Too many.');
  const fail = () => Promise.reject(new Error('no answer'));
  for (let count = 0; count <= MOST; count++) await expect(limited('mail', fail)).rejects.toThrow('no answer');
});
