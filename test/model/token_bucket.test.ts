import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { CallRate } from '../../src/model/authenticated_caller.ts';
import { createTokenBucket } from '../../src/model/token_bucket.ts';

const anyRate = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 8 }) });
/** Milliseconds between two calls. */
const anyPauses = fc.array(fc.oneof(fc.constant(0), fc.nat(40), fc.nat(3_000)), { maxLength: 60 });

/** Fills millisecond by millisecond; the numbers of the calls that are within the rate. */
function naive({ perSecond, burst }: CallRate, pauses: readonly number[]): readonly boolean[] {
  let thousandths = burst * 1_000;
  return pauses.map((pause) => {
    for (let i = 0; i < pause; i++) thousandths = Math.min(burst * 1_000, thousandths + perSecond);
    if (thousandths < 1_000) return false;
    thousandths -= 1_000;
    return true;
  });
}

function timesOf(pauses: readonly number[]): readonly number[] {
  let now = 5_000;
  return pauses.map((pause) => {
    now += pause;
    return now;
  });
}

test('a token bucket accepts the calls that a naive model accepts', () => {
  fc.assert(
    fc.property(anyRate, anyPauses, (rate, pauses) => {
      const bucket = createTokenBucket(rate);
      expect(timesOf(pauses).map((now) => bucket.take(now))).toEqual(naive(rate, pauses));
    }),
    { numRuns: 500 },
  );
});

test('in any span of time, it accepts no more than the burst and the rate allow', () => {
  fc.assert(
    fc.property(anyRate, anyPauses, (rate, pauses) => {
      const bucket = createTokenBucket(rate);
      const accepted = timesOf(pauses).filter((now) => bucket.take(now));
      accepted.forEach((first, from) => {
        accepted.slice(from).forEach((last, count) => {
          expect(count + 1).toBeLessThanOrEqual(rate.burst + ((last - first) * rate.perSecond) / 1_000);
        });
      });
    }),
    { numRuns: 500 },
  );
});

test('it names the wait after which a call is within the rate, and before which none is', () => {
  fc.assert(
    fc.property(anyRate, anyPauses, (rate, pauses) => {
      const bucket = createTokenBucket(rate);
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        if (bucket.take(now)) continue;
        const wait = bucket.wait(now);
        expect(wait).toBeGreaterThan(0);
        expect(bucket.take(now + wait / 2)).toBe(false);
        now += Math.ceil(wait);
        expect(bucket.wait(now)).toBe(0);
        expect(bucket.take(now)).toBe(true);
      }
    }),
  );
});

test('a clock that goes back neither fills nor empties it', () => {
  const bucket = createTokenBucket({ perSecond: 1, burst: 2 });
  const times = [9_000, 0, 0, 9_999, 10_000];
  expect(times.map((now) => bucket.take(now))).toEqual([true, true, false, false, true]);
});
