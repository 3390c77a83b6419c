import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, type Timestamp } from '../../src/model/clock.ts';
import { decideReminder, severityOfExpiry } from '../../src/model/reminder.ts';

const END = Date.UTC(2027, 5, 1);
const DEFAULT = [60, 30, 14, 7, 3, 1, 0];

const thresholds = fc.uniqueArray(fc.integer({ min: 0, max: 730 }), { minLength: 1, maxLength: 16 });
const withoutZero = (days: readonly number[]) => days.filter((day) => day > 0);
/** Around an end, from three years before it to one after. */
const moment = fc.integer({ min: -1_100 * DAY, max: 365 * DAY }).map((offset) => END + offset);

/** Looks when it was told to look again, and at nothing else. */
function tellAll(days: readonly number[], from: Timestamp): { time: Timestamp; thresholdDays: number }[] {
  const told: { time: Timestamp; thresholdDays: number }[] = [];
  let now: Timestamp | undefined = from;
  let lastRemindedDays: number | undefined;
  while (now !== undefined) {
    const { thresholdDays, nextTime } = decideReminder(
      { expireTime: END, thresholds: days, lastRemindedDays: lastRemindedDays },
      now,
    );
    if (thresholdDays !== undefined) told.push({ time: now, thresholdDays });
    lastRemindedDays = thresholdDays ?? lastRemindedDays;
    now = nextTime;
  }
  return told;
}

describe('what is told', () => {
  test('each threshold once, in order, at its moment, the end last', () => {
    fc.assert(
      fc.property(thresholds, (days) => {
        const expected = [...withoutZero(days).toSorted((a, b) => b - a), 0];
        expect(tellAll(days, END - 800 * DAY)).toEqual(
          expected.map((thresholdDays) => ({ thresholdDays, time: END - thresholdDays * DAY })),
        );
      }),
    );
  });

  test('each threshold once and in order, however often somebody looks, at least daily', () => {
    fc.assert(
      fc.property(thresholds, fc.array(fc.integer({ min: 1, max: 24 })), (days, steps) => {
        const told: number[] = [];
        let turn = 0;
        for (let now = END - 740 * DAY; now < END + DAY; now += (steps[turn++ % (steps.length || 1)] ?? 24) * HOUR) {
          const { thresholdDays } = decideReminder(
            { expireTime: END, thresholds: days, lastRemindedDays: told.at(-1) },
            now,
          );
          if (thresholdDays !== undefined) told.push(thresholdDays);
        }
        expect(told).toEqual([...withoutZero(days).toSorted((a, b) => b - a), 0]);
      }),
      { numRuns: 25 },
    );
  });

  test('a late first look tells the most urgent alone, and then goes on from there', () => {
    fc.assert(
      fc.property(thresholds, moment, (days, now) => {
        const missed = [...days, 0].filter((day) => END - day * DAY <= now);
        const [first, ...later] = tellAll(days, now);
        if (missed.length > 0) expect(first).toEqual({ time: now, thresholdDays: Math.min(...missed) });
        const rest = missed.length > 0 ? later : first === undefined ? [] : [first, ...later];
        expect(rest.every(({ time }) => time > now)).toBe(true);
      }),
    );
  });

  test('nothing new the second time, and nothing less urgent than what was told', () => {
    fc.assert(
      fc.property(thresholds, moment, fc.integer({ min: 0, max: 730 }), (days, now, lastRemindedDays) => {
        const first = decideReminder({ expireTime: END, thresholds: days, lastRemindedDays: lastRemindedDays }, now);
        if (first.thresholdDays !== undefined) expect(first.thresholdDays).toBeLessThan(lastRemindedDays);
        const again = { expireTime: END, thresholds: days, lastRemindedDays: first.thresholdDays ?? lastRemindedDays };
        expect(decideReminder(again, now)).toEqual({ thresholdDays: undefined, nextTime: first.nextTime });
      }),
    );
  });

  test('of an end that moved, everything anew', () => {
    const look = (expireTime: Timestamp, lastRemindedDays: number | undefined) =>
      decideReminder({ expireTime, thresholds: DEFAULT, lastRemindedDays: lastRemindedDays }, END - 2 * DAY);
    expect(look(END, 3).thresholdDays).toBeUndefined();
    expect(look(END + 300 * DAY, undefined)).toEqual({ thresholdDays: undefined, nextTime: END + 240 * DAY });
    expect(look(END + 20 * DAY, undefined).thresholdDays).toBe(30);
  });

  test('of thresholds that changed, only what is more urgent than what was told', () => {
    const at20 = (days: readonly number[], lastRemindedDays: number) =>
      decideReminder({ expireTime: END, thresholds: days, lastRemindedDays: lastRemindedDays }, END - 20 * DAY);
    expect(at20([90, 45, 10], 30)).toEqual({ thresholdDays: undefined, nextTime: END - 10 * DAY });
    expect(at20([25, 5], 30)).toEqual({ thresholdDays: 25, nextTime: END - 5 * DAY });
  });
});

test('the next look is never in the past, and there is one until the end was told', () => {
  fc.assert(
    fc.property(thresholds, moment, fc.option(fc.integer({ min: 0, max: 730 })), (days, now, lastRemindedDays) => {
      const ending = { expireTime: END, thresholds: days, lastRemindedDays: lastRemindedDays ?? undefined };
      const { nextTime } = decideReminder(ending, now);
      if (now >= END) expect(nextTime).toBeUndefined();
      else expect(nextTime).toBeGreaterThan(now);
    }),
  );
});

test.each([
  ['nobody knows', undefined],
  ['is "never", as the portal wrote it', Date.UTC(2299, 11, 31)],
])('an end that %s is told never, and nobody looks again', (_, expireTime) => {
  expect(decideReminder({ expireTime, thresholds: DEFAULT, lastRemindedDays: undefined }, END)).toEqual({
    thresholdDays: undefined,
    nextTime: undefined,
  });
});

test.each([
  [60 * DAY, false, 'INFO'],
  [14 * DAY, false, 'WARNING'],
  [3 * DAY + 1, false, 'WARNING'],
  [3 * DAY, false, 'CRITICAL'],
  [-DAY, false, 'CRITICAL'],
  [-DAY, true, 'INFO'],
])('%d ms before an end (another lives on: %s) it is %s', (left, covered, severity) => {
  expect(severityOfExpiry(END, covered, END - left)).toBe(severity);
});
