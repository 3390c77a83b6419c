import { expect, test } from 'vitest';
import { VaultError } from '../../src/model/errors.ts';

test('only an INTERNAL error has the frames of its stack, and other errors keep theirs', () => {
  expect(new VaultError('RATE_LIMITED', 'Too often.').stack).toBe('VaultError: Too often.');
  expect(new VaultError('INTERNAL', 'Unexpected.').stack).toContain('errors.test.ts');
  expect(new RangeError('out of range').stack).toContain('errors.test.ts');
});
