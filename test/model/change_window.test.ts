import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ChangeWindow, nextOpening, timeZoneOf, WEEKDAYS } from '../../src/model/change_window.ts';
import { DAY, MINUTE } from '../../src/model/clock.ts';

const BERLIN = 'Europe/Berlin';
const opening = (window: Partial<ChangeWindow>, now: string) =>
  new Date(nextOpening({ weekdays: [], hours: [], timeZone: BERLIN, ...window }, Date.parse(now))).toISOString();

test('without a window, now is the time', () => {
  expect(nextOpening(undefined, 1_234)).toBe(1_234);
  expect(opening({}, '2026-11-30T09:41:07.000Z')).toBe('2026-11-30T09:41:07.000Z');
});

test.each([
  ['in the hour', { hours: [10] }, '2026-11-30T09:41:07.000Z', '2026-11-30T09:41:07.000Z'],
  ['later on the day', { hours: [22] }, '2026-11-30T09:41:07.000Z', '2026-11-30T21:00:00.000Z'],
  ['on the next day', { hours: [2, 3] }, '2026-11-30T09:41:07.000Z', '2026-12-01T01:00:00.000Z'],
  ['at midnight of the time zone', { weekdays: ['TUESDAY'] }, '2026-11-30T09:41:07.000Z', '2026-11-30T23:00:00.000Z'],
  ['in a week', { weekdays: ['SUNDAY'], hours: [4] }, '2026-11-29T04:00:00.000Z', '2026-12-06T03:00:00.000Z'],
  ['in summer time', { hours: [2] }, '2026-07-01T09:00:00.000Z', '2026-07-02T00:00:00.000Z'],
  ['not in an hour that is skipped', { hours: [2] }, '2026-03-29T00:30:00.000Z', '2026-03-30T00:00:00.000Z'],
  [
    'a week after a skipped hour',
    { weekdays: ['SUNDAY'], hours: [2] },
    '2026-03-28T12:00:00.000Z',
    '2026-04-05T00:00:00.000Z',
  ],
  ['in an hour that is repeated', { hours: [2] }, '2026-10-25T01:30:00.000Z', '2026-10-25T01:30:00.000Z'],
  [
    'in a zone with 45 minutes',
    { hours: [0], timeZone: 'Asia/Kathmandu' },
    '2026-11-30T09:41:07.000Z',
    '2026-11-30T18:15:00.000Z',
  ],
] as const)('it opens %s', (_, window, now, expected) => {
  expect(opening(window, now)).toBe(expected);
});

test('the next opening is open, within 15 days, and nothing before it is', () => {
  const windows = fc.record({
    weekdays: fc.subarray([...WEEKDAYS]),
    hours: fc.uniqueArray(fc.integer({ min: 0, max: 23 }), { maxLength: 4 }),
    timeZone: fc.constantFrom('UTC', BERLIN, 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu'),
  });
  fc.assert(
    fc.property(
      windows,
      fc.integer({ min: 0, max: 730 * 24 * 60 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (window, minutes, share) => {
        const now = Date.UTC(2026, 0, 1) + minutes * MINUTE;
        const time = nextOpening(window, now);
        expect(time).toBeGreaterThanOrEqual(now);
        expect(time - now).toBeLessThanOrEqual(15 * DAY);
        expect(nextOpening(window, time)).toBe(time);
        // From anywhere before it, the next opening is the same.
        const between = now + Math.floor((time - now) * share);
        if (between < time) expect(nextOpening(window, between)).toBe(time);
      },
    ),
    { numRuns: 60 },
  );
});

test.each([
  ['europe/berlin', BERLIN],
  ['UTC', 'UTC'],
  ['Mars/Olympus', undefined],
  ['+02:00', undefined],
  ['', undefined],
])('the time zone %j is %j', (name, expected) => {
  expect(timeZoneOf(name)).toBe(expected);
});
