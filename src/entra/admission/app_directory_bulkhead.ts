import { type Clock, type Duration, HOUR, type Timestamp, timeLeft } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { AdmissionOptions, ExchangeKind, SlotLimits } from './admission_options.ts';
import { createCircuitBreaker } from './circuit_breaker.ts';
import { createWaitQueue } from './priority_wait_queue.ts';
import type { Slot } from './slot.ts';

export type Bulkhead = ReturnType<typeof createBulkhead>;

/** A longer Retry-After is cut to this. */
const MAX_THROTTLE: Duration = HOUR;

/**
 * The exchanges of one app in one directory: their number, queue, circuit breaker, throttling and retry tokens. Forced
 * exchanges have slots and a queue of their own, so that no other exchange waits for them.
 */
export function createBulkhead(parts: {
  appUid: string;
  key: string;
  clock: Clock;
  options: AdmissionOptions;
  onCircuitOpened: () => void;
}) {
  const { appUid, key, clock, options } = parts;
  const circuit = createCircuitBreaker(clock, options.circuit);
  let pausedUntil = 0;
  let retryTokens = options.retryTokens;
  /** Slow start after a pause: one exchange at a time; after as many answers as the limit, the limit doubles. */
  let slowStartLimit = options.inFlight;
  let answersAtLimit = 0;

  function throttledUntil(): Timestamp | undefined {
    return timeLeft(pausedUntil, clock.now(), MAX_THROTTLE) > 0 ? pausedUntil : undefined;
  }

  /** ENTRA_THROTTLED or ENTRA_UNAVAILABLE while no request may be sent. */
  function refusal(): VaultError | undefined {
    const until = throttledUntil();
    if (until !== undefined) return throttled(until - clock.now());
    const state = circuit.state();
    return typeof state === 'number' ? unavailable(state) : undefined;
  }

  function setSlowStart(limit: number): void {
    slowStartLimit = Math.min(options.inFlight, limit);
    answersAtLimit = 0;
  }

  function speedUp(): void {
    if (slowStartLimit >= options.inFlight) return;
    answersAtLimit += 1;
    if (answersAtLimit >= slowStartLimit) setSlowStart(slowStartLimit * 2);
  }

  function createPool({ inFlight: limit, waiting }: SlotLimits) {
    const pool = {
      inFlight: 0,
      queue: createWaitQueue(waiting),
      hasRoom: () => pool.inFlight < Math.min(limit, slowStartLimit) && refusal() === undefined,
      isIdle: () => pool.inFlight === 0 && pool.queue.size === 0,
    };
    return pool;
  }

  const pools = { regular: createPool(options), forced: createPool(options.forced) };

  return {
    appUid,
    key,
    pools,
    refusal,
    throttledUntil,
    /** True: this exchange is the half-open probe of the circuit breaker. */
    enter(kind: ExchangeKind): boolean {
      pools[kind].inFlight += 1;
      retryTokens = Math.min(options.retryTokens, retryTokens + options.retryBudget);
      const isHalfOpenProbe = circuit.state() === 'half_open';
      if (isHalfOpenProbe) circuit.setProbing(true);
      return isHalfOpenProbe;
    },
    leave(kind: ExchangeKind, isProbeAbandoned: boolean) {
      pools[kind].inFlight -= 1;
      if (isProbeAbandoned) circuit.setProbing(false);
    },
    /** Returns the refusal for waiting callers if this result stops the bulkhead. */
    record(result: Parameters<Slot['report']>[0], isHalfOpenProbe: boolean): VaultError | undefined {
      if (typeof result === 'object') {
        const wait = Math.min(result.throttledFor, MAX_THROTTLE);
        pausedUntil = Math.max(throttledUntil() ?? 0, clock.now() + wait);
        circuit.record(true, isHalfOpenProbe);
        setSlowStart(1);
        return throttled(wait);
      }
      if (result === 'unrecognized' && !isHalfOpenProbe) return undefined;
      const change = circuit.record(result !== 'unanswered', isHalfOpenProbe);
      if (change === 'closed') setSlowStart(1);
      if (result === 'answered') speedUp();
      if (change !== 'opened') return undefined;
      parts.onCircuitOpened();
      return refusal();
    },
    takeRetryToken(): boolean {
      if (retryTokens < 1) return false;
      retryTokens -= 1;
      return true;
    },
    isIdle: () => pools.regular.isIdle() && pools.forced.isIdle(),
  };
}

function throttled(retryAfter: Duration): VaultError {
  const message = 'Entra throttles this app in this directory. Retry after the given time.';
  return new VaultError('ENTRA_THROTTLED', message, { retryAfter });
}

function unavailable(retryAfter: Duration): VaultError {
  const message = 'Entra does not answer for this app in this directory. Retry after the given time.';
  return new VaultError('ENTRA_UNAVAILABLE', message, { retryAfter });
}
