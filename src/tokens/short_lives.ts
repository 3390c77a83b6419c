import { type Clock, type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { createRecentMap } from './recent_map.ts';

/** How long Entra is taken at its word: another exchange at once would bring no longer life. */
const INTERVAL: Duration = 30 * SECOND;

/** Tokens that came from Entra a moment ago for a shorter life than somebody wanted. */
export interface ShortLives {
  /** TTL_UNATTAINABLE while it is known that an exchange would be in vain. */
  refuse(key: string, name: string, minTtl: Duration): void;
  /** The error to throw. */
  remember(key: string, name: string, left: Duration): VaultError;
}

export function createShortLives(clock: Clock): ShortLives {
  const lives = createRecentMap<string, { readonly left: Duration; readonly time: Timestamp }>(10_000);
  return {
    refuse(key, name, minTtl) {
      const life = lives.find(key);
      if (life === undefined || life.left >= minTtl || Math.abs(clock.now() - life.time) >= INTERVAL) return;
      throw ttlUnattainable(name, life.left);
    },
    remember(key, name, left) {
      lives.set(key, { left, time: clock.now() });
      return ttlUnattainable(name, left);
    },
  };
}

export function ttlUnattainable(name: string, left: Duration): VaultError {
  const seconds = Math.max(0, Math.floor(left / SECOND));
  return new VaultError(
    'TTL_UNATTAINABLE',
    `Entra's tokens for ${name} live only ${seconds} s; ask with a smaller min_ttl`,
    { metadata: { resource: name, attainable: `${seconds}s` } },
  );
}
