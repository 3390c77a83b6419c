import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttempt } from '../../src/event_delivery/retry_schedule.ts';
import { DAY, HOUR, SECOND } from '../../src/model/clock.ts';

const START = Date.UTC(2026, 10, 22);

/** The times of all attempts of a delivery that always fails. */
function triesOf(random: () => number, retryAfter: number | undefined = undefined): number[] {
  const tries = [START];
  for (;;) {
    const now = tries.at(-1) ?? 0;
    const next = nextAttempt({
      delivery: { attempts: tries.length, createTime: START },
      now,
      retryAfter,
      random: random(),
    });
    if (next === undefined) return tries;
    tries.push(next);
  }
}

test('doubles from ten seconds to six hours, with a last attempt after three days', () => {
  const tries = triesOf(() => 0.5);
  const delays = tries.slice(1).map((time, index) => time - (tries[index] ?? 0));
  expect(delays.slice(0, 4)).toEqual([10 * SECOND, 20 * SECOND, 40 * SECOND, 80 * SECOND]);
  expect(Math.max(...delays)).toBe(6 * HOUR);
  expect(tries.at(-1)).toBe(START + 3 * DAY);
});

test('with any jitter: always later, about twenty attempts, the last one after three days', () => {
  fc.assert(
    fc.property(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), (chances) => {
      const tries = triesOf(() => chances.next().value ?? 0);
      expect(tries.every((time, index) => index === 0 || time > (tries[index - 1] ?? 0))).toBe(true);
      expect(tries.length).toBeGreaterThan(18);
      expect(tries.length).toBeLessThan(30);
      expect(tries.at(-1)).toBe(START + 3 * DAY);
    }),
  );
});

test('respects Retry-After', () => {
  const tries = triesOf(() => 0, HOUR);
  expect(tries.slice(1).every((time, index) => time - (tries[index] ?? 0) >= HOUR)).toBe(true);
});
