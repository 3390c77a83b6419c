import { CircuitState, CountBreaker, ExponentialBackoff, type IBackoff } from 'cockatiel';
import { type Clock, type Duration, type Timestamp, timeLeft } from '../../model/clock.ts';

/**
 * Opens when Entra does not answer, lets one exchange through now and then, and closes when that one is answered.
 * cockatiel counts and backs off; its own policy is not used because it makes callers wait for the trial, and reads the system's clock.
 */
export interface CircuitBreaker {
  /** `trial`: open, but it is time to try: the caller's exchange decides. A number: closed to callers for so long. */
  ask(): 'closed' | 'trial' | Duration;
  /** The trial is under way. */
  beginHalfOpenProbe(): void;
  /** It never came to an exchange. */
  abandonHalfOpenProbe(): void;
  /** True: this answer (or its absence) closed or opened the circuit. */
  record(answered: boolean, isHalfOpenProbe: boolean): 'opened' | 'closed' | undefined;
}

export interface CircuitOptions {
  /** Of the last `size` exchanges, at least `minimumCalls`, more than this part unanswered. 0 to 1. */
  readonly threshold: number;
  readonly size: number;
  readonly minimumCalls: number;
  readonly firstPause: Duration;
  readonly longestPause: Duration;
}

export function createCircuitBreaker(clock: Clock, options: CircuitOptions): CircuitBreaker {
  const { threshold, size, minimumCalls: minimumNumberOfCalls } = options;
  const breaker = new CountBreaker({ threshold, size, minimumNumberOfCalls });
  const backoffs = new ExponentialBackoff({ initialDelay: options.firstPause, maxDelay: options.longestPause });
  let open: { backoff: IBackoff<unknown>; until: Timestamp; trial: boolean } | undefined;

  function pause(backoff: IBackoff<unknown>) {
    open = { backoff, until: clock.now() + backoff.duration, trial: false };
  }

  return {
    ask() {
      if (open === undefined) return 'closed';
      const rest = timeLeft(open.until, clock.now(), options.longestPause);
      const isOver = rest === 0;
      if (isOver && !open.trial) return 'trial';
      return isOver ? options.firstPause : rest;
    },
    beginHalfOpenProbe() {
      if (open !== undefined) open.trial = true;
    },
    abandonHalfOpenProbe() {
      if (open !== undefined) open.trial = false;
    },
    record(answered, isHalfOpenProbe) {
      if (open !== undefined) {
        // What left before the circuit opened says nothing new.
        if (!isHalfOpenProbe) return undefined;
        if (!answered) {
          pause(open.backoff.next(undefined));
          return 'opened';
        }
        open = undefined;
        breaker.success(CircuitState.HalfOpen);
        return 'closed';
      }
      if (answered) {
        breaker.success(CircuitState.Closed);
        return undefined;
      }
      if (!breaker.failure(CircuitState.Closed)) return undefined;
      pause(backoffs.next());
      return 'opened';
    },
  };
}
