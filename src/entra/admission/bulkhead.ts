import { type Clock, type Duration, type Timestamp, timeLeft } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { type AdmissionOptions, LONGEST_THROTTLE } from './admission_options.ts';
import { createCircuitBreaker } from './circuit_breaker.ts';
import type { Slot } from './slot.ts';
import { createWaitQueue, type WaitQueue } from './wait_queue.ts';

/** The exchanges of one app in one directory. */
export interface Bulkhead {
  readonly appUid: string;
  readonly key: string;
  /** ENTRA_THROTTLED or ENTRA_UNAVAILABLE while nothing may leave. */
  refusal(): VaultError | undefined;
  hasRoom(): boolean;
  /** True: this one is the trial that decides whether the circuit closes. */
  enter(): boolean;
  leave(trialAbandoned: boolean): void;
  /** A refusal, when this answer stopped the lane. */
  record(answer: Parameters<Slot['report']>[0], isHalfOpenProbe: boolean): VaultError | undefined;
  takeRetryToken(): boolean;
  throttledUntil(): Timestamp | undefined;
  readonly queue: WaitQueue;
  /** No exchange is in flight, and none waits. */
  isIdle(): boolean;
}

export function createBulkhead(parts: {
  appUid: string;
  key: string;
  clock: Clock;
  options: AdmissionOptions;
  onCircuitOpened: () => void;
}): Bulkhead {
  const { appUid, key, clock, options } = parts;
  const circuit = createCircuitBreaker(clock, options.circuit);
  const queue = createWaitQueue(options.waiting);
  let inFlight = 0;
  let pausedUntil = 0;
  let retryTokens = options.retryTokens;
  /** After a stop the backlog does not rush: one at a time, then twice as many after each that many answers. */
  let slowStartLimit = options.inFlight;
  let answersAtLimit = 0;

  function throttledUntil(): Timestamp | undefined {
    return timeLeft(pausedUntil, clock.now(), LONGEST_THROTTLE) > 0 ? pausedUntil : undefined;
  }

  function refusal(): VaultError | undefined {
    const until = throttledUntil();
    if (until !== undefined) return throttled(until - clock.now());
    const state = circuit.ask();
    return typeof state === 'number' ? unavailable(state) : undefined;
  }

  function slowStart(): void {
    slowStartLimit = 1;
    answersAtLimit = 0;
  }

  function speedUp(): void {
    if (slowStartLimit >= options.inFlight) return;
    answersAtLimit += 1;
    if (answersAtLimit < slowStartLimit) return;
    slowStartLimit = Math.min(options.inFlight, slowStartLimit * 2);
    answersAtLimit = 0;
  }

  return {
    appUid,
    key,
    refusal,
    hasRoom: () => inFlight < Math.min(options.inFlight, slowStartLimit) && refusal() === undefined,
    enter() {
      inFlight += 1;
      retryTokens = Math.min(options.retryTokens, retryTokens + options.retryBudget);
      const isHalfOpenProbe = circuit.ask() === 'trial';
      if (isHalfOpenProbe) circuit.beginHalfOpenProbe();
      return isHalfOpenProbe;
    },
    leave(trialAbandoned) {
      inFlight -= 1;
      if (trialAbandoned) circuit.abandonHalfOpenProbe();
    },
    record(answer, isHalfOpenProbe) {
      if (typeof answer === 'object') {
        const wait = Math.min(answer.throttledFor, LONGEST_THROTTLE);
        pausedUntil = Math.max(throttledUntil() ?? 0, clock.now() + wait);
        circuit.record(true, isHalfOpenProbe);
        slowStart();
        return throttled(wait);
      }
      if (answer === 'strange' && !isHalfOpenProbe) return undefined;
      const change = circuit.record(answer !== 'unanswered', isHalfOpenProbe);
      if (change === 'closed') slowStart();
      if (answer === 'answered') speedUp();
      if (change !== 'opened') return undefined;
      parts.onCircuitOpened();
      return refusal();
    },
    takeRetryToken() {
      if (retryTokens < 1) return false;
      retryTokens -= 1;
      return true;
    },
    throttledUntil,
    queue,
    isIdle: () => inFlight === 0 && queue.size === 0,
  };
}

function throttled(wait: Duration): VaultError {
  return new VaultError(
    'ENTRA_THROTTLED',
    'Entra throttles this app in this directory; ask again when the wait is over.',
    {
      retryAfter: wait,
    },
  );
}

function unavailable(wait: Duration): VaultError {
  return new VaultError(
    'ENTRA_UNAVAILABLE',
    'Entra does not answer for this app in this directory; ask again shortly.',
    {
      retryAfter: wait,
    },
  );
}
