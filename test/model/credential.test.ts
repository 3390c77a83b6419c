import { expect, test } from 'vitest';
import { neverExpires } from '../../src/model/app_credential.ts';

test.each([
  ['2299-12-31T00:00:00Z', true],
  ['2299-12-31T23:59:59-12:00', true],
  ['2299-12-30T10:00:00Z', true],
  ['2299-01-01T00:00:00+14:00', true],
  ['9999-12-31T23:59:59Z', true],
  ['2298-12-31T23:59:59+14:00', false],
  ['2120-05-01T00:00:00Z', false],
  ['2028-11-22T00:00:00Z', false],
])('an expiry of %s counts as never: %s', (end, never) => {
  expect(neverExpires({ expireTime: Date.parse(end) })).toBe(never);
});

test('an unknown expiry does not count as never', () => {
  expect(neverExpires({ expireTime: undefined })).toBe(false);
});
