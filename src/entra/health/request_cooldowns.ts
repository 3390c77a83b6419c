import { type Clock, type Duration, MINUTE, type Timestamp, timeLeft } from '../../model/clock.ts';
import type { Failure } from '../../model/exchange.ts';
import { createBoundedMap } from '../bounded_map.ts';

const KNOWN_HOLD: Duration = 5 * MINUTE;
const UNKNOWN_HOLD: Duration = MINUTE;
const MOST_REQUESTS = 10_000;

interface HeldRequest {
  readonly failure: Failure;
  readonly duration: Duration;
  readonly until: Timestamp;
}

/** Requests that Entra refused for what they ask: the same request is refused locally for a while, and no other one. */
export interface RequestCooldowns {
  find(key: string | undefined): Failure | undefined;
  cooldown(key: string | undefined, failure: Failure, known: boolean): void;
  release(key: string | undefined): void;
}

export function createRequestCooldowns(clock: Clock): RequestCooldowns {
  const held = createBoundedMap<HeldRequest>(MOST_REQUESTS);
  return {
    find(key) {
      const found = key === undefined ? undefined : held.get(key);
      if (key === undefined || found === undefined) return undefined;
      const rest = timeLeft(found.until, clock.now(), found.duration);
      if (rest > 0) return { ...found.failure, retryAfter: rest };
      held.delete(key);
      return undefined;
    },
    cooldown(key, failure, known) {
      const duration = known ? KNOWN_HOLD : UNKNOWN_HOLD;
      if (key !== undefined) held.set(key, { failure, duration, until: clock.now() + duration });
    },
    release(key) {
      if (key !== undefined) held.delete(key);
    },
  };
}
