import { createBoundedCache } from '../../model/bounded_cache.ts';
import { type Clock, type Duration, MINUTE, type Timestamp, timeLeft } from '../../model/clock.ts';
import type { Failure } from '../../model/token_request_outcome.ts';

const KNOWN_COOLDOWN: Duration = 5 * MINUTE;
const UNKNOWN_COOLDOWN: Duration = MINUTE;

interface RefusedRequest {
  readonly failure: Failure;
  readonly duration: Duration;
  readonly until: Timestamp;
}

/** Requests that Entra refused: the same request is refused locally for a while. No key: not repeatable. */
export function createRequestCooldowns(clock: Clock) {
  const refused = createBoundedCache<string, RefusedRequest>(10_000);
  return {
    /** The digest of a key costs more than the rest of a lookup. */
    get isEmpty(): boolean {
      return refused.size === 0;
    },
    find(key: string | undefined): Failure | undefined {
      const found = key === undefined ? undefined : refused.get(key);
      if (key === undefined || found === undefined) return undefined;
      const retryAfter = timeLeft(found.until, clock.now(), found.duration);
      if (retryAfter > 0) return { ...found.failure, retryAfter };
      refused.delete(key);
      return undefined;
    },
    start(key: string | undefined, failure: Failure, known: boolean) {
      const duration = known ? KNOWN_COOLDOWN : UNKNOWN_COOLDOWN;
      if (key !== undefined) refused.set(key, { failure, duration, until: clock.now() + duration });
    },
    end(key: string | undefined) {
      if (key !== undefined) refused.delete(key);
    },
  };
}
