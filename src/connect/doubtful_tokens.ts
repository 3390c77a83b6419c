import { type Clock, type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Secret } from '../model/secret.ts';

const INTERVAL: Duration = MINUTE;
/** After this time a first doubtful answer is forgotten. */
const MEMORY: Duration = 60 * MINUTE;
const MOST_TOKENS = 10_000;

/**
 * Refresh tokens to be imported that Entra refused in a way that may pass. Like a stored grant, such a token is rejected by two
 * refusals that lie a minute apart, never by one.
 */
export interface DoubtfulTokens {
  /** True: Entra refused it before, at least a minute ago. */
  isRefusedAgain(refreshToken: Secret): boolean;
}

export function createDoubtfulTokens(clock: Clock): DoubtfulTokens {
  const firstTimes = new Map<string, Timestamp>();
  return {
    isRefusedAgain(refreshToken) {
      const key = refreshToken.sha256();
      const now = clock.now();
      const age = now - (firstTimes.get(key) ?? Number.NEGATIVE_INFINITY);
      if (age >= INTERVAL && age < MEMORY) return true;
      if (age >= 0 && age < INTERVAL) return false;
      firstTimes.delete(key);
      firstTimes.set(key, now);
      const [oldest] = firstTimes.keys();
      if (firstTimes.size > MOST_TOKENS && oldest !== undefined) firstTimes.delete(oldest);
      return false;
    },
  };
}
