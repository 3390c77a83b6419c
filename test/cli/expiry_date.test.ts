import fc from 'fast-check';
import { expect, test } from 'vitest';
import { expiryDate } from '../../src/cli/parse_expiry_date.ts';

test('both forms of a date give the same day', () => {
  fc.assert(
    fc.property(
      fc.date({ min: new Date(Date.UTC(2000, 0, 1)), max: new Date(Date.UTC(2299, 11, 31)), noInvalidDate: true }),
      (date) => {
        const day = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate());

        expect(expiryDate(new Date(day).toISOString().slice(0, 10))).toBe(day);
        expect(expiryDate(`${date.getUTCMonth() + 1}/${date.getUTCDate()}/${date.getUTCFullYear()}`)).toBe(day);
      },
    ),
  );
});

test('never is the value of the portal in 2020', () => {
  expect(expiryDate('never')).toBe(expiryDate('12/31/2299'));
});

test.each(['31/12/2027', '2027-02-30', '2027', 'tomorrow', '', '2027-1-1'])('%o is not a date', (text) => {
  expect(expiryDate(text)).toBeUndefined();
});
