import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DAY, HOUR, type Timestamp } from '../../src/model/clock.ts';
import { decideReminder, severityOfExpiry } from '../../src/model/decide_expiry_reminder.ts';

const END = Date.UTC(2027, 5, 1);
const DEFAULT = [60, 30, 14, 7, 3, 1, 0];

const thresholds = fc.uniqueArray(fc.integer({ min: 0, max: 730 }), { minLength: 1, maxLength: 16 });
const withoutZero = (days: readonly number[]) => days.filter((day) => day > 0);
/** From three years before the expiry to one after. */
const moment = fc.integer({ min: -1_100 * DAY, max: 365 * DAY }).map((offset) => END + offset);

/** Decides at each `nextTime`, and never in between. */
function allReminders(days: readonly number[], from: Timestamp): { time: Timestamp; thresholdDays: number }[] {
  const reminders: { time: Timestamp; thresholdDays: number }[] = [];
  let now: Timestamp | undefined = from;
  let lastRemindedDays: number | undefined;
  while (now !== undefined) {
    const { thresholdDays, nextTime } = decideReminder({ expireTime: END, thresholds: days, lastRemindedDays }, now);
    if (thresholdDays !== undefined) reminders.push({ time: now, thresholdDays });
    lastRemindedDays = thresholdDays ?? lastRemindedDays;
    now = nextTime;
  }
  return reminders;
}

describe('reminders', () => {
  test('cover each threshold once, in order, at its time, the expiry last', () => {
    fc.assert(
      fc.property(thresholds, (days) => {
        const expected = [...withoutZero(days).toSorted((a, b) => b - a), 0];
        expect(allReminders(days, END - 800 * DAY)).toEqual(
          expected.map((thresholdDays) => ({ thresholdDays, time: END - thresholdDays * DAY })),
        );
      }),
    );
  });

  test('cover each threshold once and in order, if decided at least daily', () => {
    fc.assert(
      fc.property(thresholds, fc.array(fc.integer({ min: 1, max: 24 })), (days, steps) => {
        const reminders: number[] = [];
        let turn = 0;
        for (let now = END - 740 * DAY; now < END + DAY; now += (steps[turn++ % (steps.length || 1)] ?? 24) * HOUR) {
          const { thresholdDays } = decideReminder(
            { expireTime: END, thresholds: days, lastRemindedDays: reminders.at(-1) },
            now,
          );
          if (thresholdDays !== undefined) reminders.push(thresholdDays);
        }
        expect(reminders).toEqual([...withoutZero(days).toSorted((a, b) => b - a), 0]);
      }),
      { numRuns: 25 },
    );
  });

  test('start with the most urgent alone, if decided late', () => {
    fc.assert(
      fc.property(thresholds, moment, (days, now) => {
        const missed = [...days, 0].filter((day) => END - day * DAY <= now);
        const [first, ...later] = allReminders(days, now);
        if (missed.length > 0) expect(first).toEqual({ time: now, thresholdDays: Math.min(...missed) });
        const rest = missed.length > 0 ? later : first === undefined ? [] : [first, ...later];
        expect(rest.every(({ time }) => time > now)).toBe(true);
      }),
    );
  });

  test('are not repeated, and never less urgent than the last one', () => {
    fc.assert(
      fc.property(thresholds, moment, fc.integer({ min: 0, max: 730 }), (days, now, lastRemindedDays) => {
        const first = decideReminder({ expireTime: END, thresholds: days, lastRemindedDays }, now);
        if (first.thresholdDays !== undefined) expect(first.thresholdDays).toBeLessThan(lastRemindedDays);
        const again = { expireTime: END, thresholds: days, lastRemindedDays: first.thresholdDays ?? lastRemindedDays };
        expect(decideReminder(again, now)).toEqual({ thresholdDays: undefined, nextTime: first.nextTime });
      }),
    );
  });

  test('start again when the expiry changes', () => {
    const look = (expireTime: Timestamp, lastRemindedDays: number | undefined) =>
      decideReminder({ expireTime, thresholds: DEFAULT, lastRemindedDays }, END - 2 * DAY);
    expect(look(END, 3).thresholdDays).toBeUndefined();
    expect(look(END + 300 * DAY, undefined)).toEqual({ thresholdDays: undefined, nextTime: END + 240 * DAY });
    expect(look(END + 20 * DAY, undefined).thresholdDays).toBe(30);
  });

  test('are only more urgent than the last one when thresholds change', () => {
    const at20 = (days: readonly number[], lastRemindedDays: number) =>
      decideReminder({ expireTime: END, thresholds: days, lastRemindedDays }, END - 20 * DAY);
    expect(at20([90, 45, 10], 30)).toEqual({ thresholdDays: undefined, nextTime: END - 10 * DAY });
    expect(at20([25, 5], 30)).toEqual({ thresholdDays: 25, nextTime: END - 5 * DAY });
  });
});

test('the next decision is in the future, and there is one until the expiry was reported', () => {
  fc.assert(
    fc.property(thresholds, moment, fc.option(fc.integer({ min: 0, max: 730 })), (days, now, lastRemindedDays) => {
      const state = { expireTime: END, thresholds: days, lastRemindedDays: lastRemindedDays ?? undefined };
      const { nextTime } = decideReminder(state, now);
      if (now >= END) expect(nextTime).toBeUndefined();
      else expect(nextTime).toBeGreaterThan(now);
    }),
  );
});

test.each([
  ['nobody knows', undefined],
  ['is "never", as the portal wrote it', Date.UTC(2299, 11, 31)],
])('an expiry that %s causes no reminder', (_, expireTime) => {
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
])('%d ms before an expiry (covered by another credential: %s) it is %s', (left, covered, severity) => {
  expect(severityOfExpiry(END, covered, END - left)).toBe(severity);
});
