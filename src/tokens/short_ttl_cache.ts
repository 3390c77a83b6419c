import { type Clock, type Duration, elapsedSince, SECOND, type Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { createRecentMap } from './recent_map.ts';
import { isUnusableTokenError } from './unusable_token.ts';

/** How long Entra is taken at its word: another exchange at once would bring no longer life. */
const INTERVAL: Duration = 30 * SECOND;

/** Tokens that came from Entra a moment ago for a shorter life than somebody wanted. */
export interface ShortTtlCache {
  /** TTL_UNATTAINABLE while it is known that an exchange would be in vain; what it failed with, if its token was dead. */
  refuse(key: string, name: string, minTtl: Duration): void;
  /** The error to throw. */
  remember(key: string, name: string, left: Duration): VaultError;
  /** If the work ends with a dead token. */
  rememberFailure(key: string, work: Promise<unknown>): void;
}

interface Life {
  readonly left: Duration;
  readonly time: Timestamp;
  readonly error?: VaultError;
}

export function createShortTtlCache(clock: Clock): ShortTtlCache {
  const lives = createRecentMap<string, Life>(10_000);
  return {
    refuse(key, name, minTtl) {
      const life = lives.find(key);
      if (life === undefined || life.left >= minTtl || elapsedSince(life.time, clock.now()) >= INTERVAL) return;
      throw life.error ?? ttlUnattainable(name, life.left);
    },
    remember(key, name, left) {
      lives.set(key, { left, time: clock.now() });
      return ttlUnattainable(name, left);
    },
    rememberFailure(key, work) {
      work.catch((error: unknown) => {
        if (isUnusableTokenError(error)) lives.set(key, { left: 0, time: clock.now(), error });
      });
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
