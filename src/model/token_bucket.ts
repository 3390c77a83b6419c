import type { CallRate } from './authenticated_caller.ts';
import { type Duration, SECOND } from './clock.ts';

/** Limits calls to a rate: `burst` calls at once, and one more each time that a call's worth of time has passed. */
export interface TokenBucket {
  /** Whether one more call is within the rate; then it counts. `now` is monotonic. */
  take(now: Duration): boolean;
  /** How long until `take` may succeed; 0: now. */
  wait(now: Duration): Duration;
}

/** Starts full. In thousandths of a call, so that whole numbers of milliseconds and of calls a second stay exact. */
export function createTokenBucket({ perSecond, burst }: CallRate): TokenBucket {
  const full = burst * SECOND;
  let level = full;
  let filledTime = -Infinity;

  function fill(now: Duration): void {
    if (now <= filledTime) return;
    level = Math.min(full, level + (now - filledTime) * perSecond);
    filledTime = now;
  }

  return {
    take(now) {
      fill(now);
      if (level < SECOND) return false;
      level -= SECOND;
      return true;
    },
    wait(now) {
      fill(now);
      return Math.max(0, SECOND - level) / perSecond;
    },
  };
}
