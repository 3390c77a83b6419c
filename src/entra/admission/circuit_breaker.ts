import { CircuitState, CountBreaker, ExponentialBackoff, type IBackoff } from 'cockatiel';
import { type Clock, type Duration, type Timestamp, timeLeft } from '../../model/clock.ts';
import type { CircuitOptions } from './admission_options.ts';

/**
 * Circuit breaker that opens when Entra does not answer, and closes when a half-open probe is answered. Counting and
 * backoff are cockatiel's. Its policy is not used: it makes callers wait for the probe, and reads the system clock.
 */
export function createCircuitBreaker(clock: Clock, options: CircuitOptions) {
  const { threshold, size, minimumCalls: minimumNumberOfCalls } = options;
  const breaker = new CountBreaker({ threshold, size, minimumNumberOfCalls });
  const backoffs = new ExponentialBackoff({ initialDelay: options.firstPause, maxDelay: options.longestPause });
  let open: { backoff: IBackoff<unknown>; until: Timestamp; isProbing: boolean } | undefined;

  function pause(backoff: IBackoff<unknown>): 'opened' {
    open = { backoff, until: clock.now() + backoff.duration, isProbing: false };
    return 'opened';
  }

  return {
    /** `half_open`: the next exchange is the probe. A duration: open for that long. */
    state(): 'closed' | 'half_open' | Duration {
      if (open === undefined) return 'closed';
      const remaining = timeLeft(open.until, clock.now(), options.longestPause);
      if (remaining > 0) return remaining;
      return open.isProbing ? options.firstPause : 'half_open';
    },
    /** False: the probe ended without an exchange. */
    setProbing(isProbing: boolean) {
      if (open !== undefined) open.isProbing = isProbing;
    },
    /** Undefined: the state did not change. */
    record(isAnswered: boolean, isHalfOpenProbe: boolean): 'opened' | 'closed' | undefined {
      if (open !== undefined) {
        // Requests sent before the circuit opened prove nothing new.
        if (!isHalfOpenProbe) return undefined;
        if (!isAnswered) return pause(open.backoff.next(undefined));
        open = undefined;
        breaker.success(CircuitState.HalfOpen);
        return 'closed';
      }
      if (!isAnswered) return breaker.failure(CircuitState.Closed) ? pause(backoffs.next()) : undefined;
      breaker.success(CircuitState.Closed);
      return undefined;
    },
  };
}
