import { expect, test } from 'vitest';
import { createVerificationLimit } from '../../src/tokens/verification_limit.ts';

const MOST = 32;

test('a caller verifies 32 connections at once; one more is refused before it begins', async () => {
  const limited = createVerificationLimit();
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

test('a verification that fails leaves its place', async () => {
  const limited = createVerificationLimit();
  const fail = () => Promise.reject(new Error('no answer'));
  for (let count = 0; count <= MOST; count++) await expect(limited('mail', fail)).rejects.toThrow('no answer');
});
