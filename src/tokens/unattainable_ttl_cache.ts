import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, SECOND, type Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import { isUnusableTokenError } from './reject_unusable_token.ts';

/** How long Entra is not called again: another exchange at once would bring no longer lifetime. */
const INTERVAL: Duration = 30 * SECOND;

interface ShortTtl {
  readonly ttl: Duration;
  readonly time: Timestamp;
  readonly error: VaultError;
}

/** Negative cache of tokens that Entra just issued with a shorter lifetime than a caller requires. `name` is for messages. */
export function createShortTtlCache(clock: Clock) {
  const known = createBoundedCache<string, ShortTtl>(10_000);
  return {
    /** TTL_UNATTAINABLE while an exchange would be in vain; the error of the exchange, if its token was unusable. */
    check(key: string, minTtl: Duration): void {
      const found = known.get(key);
      if (found !== undefined && found.ttl < minTtl && elapsedSince(found.time, clock.now()) < INTERVAL)
        throw found.error;
    },
    /** Returns the error to throw. */
    remember(key: string, name: string, ttl: Duration): VaultError {
      const error = ttlUnattainable(name, ttl);
      known.set(key, { ttl, time: clock.now(), error });
      return error;
    },
    /** If the work fails with an unusable token. */
    rememberFailure(key: string, work: Promise<unknown>): void {
      work.catch((error: unknown) => {
        if (isUnusableTokenError(error)) known.set(key, { ttl: 0, time: clock.now(), error });
      });
    },
  };
}

export function ttlUnattainable(name: string, ttl: Duration): VaultError {
  const seconds = Math.max(0, Math.floor(ttl / SECOND));
  return new VaultError(
    'TTL_UNATTAINABLE',
    `Entra issues tokens for ${name} that are valid for only ${seconds} s. Request one with a smaller minTtl.`,
    { metadata: { resource: name, attainable: `${seconds}s` } },
  );
}
