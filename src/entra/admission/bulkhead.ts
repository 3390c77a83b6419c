import type { Clock, Duration, Timestamp } from '../../model/clock.ts';
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
  record(answer: Parameters<Slot['report']>[0], isTrial: boolean): VaultError | undefined;
  takeRetry(): boolean;
  throttledUntil(): Timestamp | undefined;
  readonly line: WaitQueue;
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
  const line = createWaitQueue(options.waiting);
  let inFlight = 0;
  let pausedUntil = 0;
  let savings = options.retryTokens;
  /** After a stop the backlog does not rush: one at a time, then twice as many after each that many answers. */
  let ramp = options.inFlight;
  let answersAtRamp = 0;

  function throttledUntil(): Timestamp | undefined {
    const rest = pausedUntil - clock.now();
    // A rest beyond the cap means that the clock was set back.
    return rest > 0 && rest <= LONGEST_THROTTLE ? pausedUntil : undefined;
  }

  function refusal(): VaultError | undefined {
    const until = throttledUntil();
    if (until !== undefined) return throttled(until - clock.now());
    const state = circuit.ask();
    return typeof state === 'number' ? unavailable(state) : undefined;
  }

  function slowStart(): void {
    ramp = 1;
    answersAtRamp = 0;
  }

  function speedUp(): void {
    if (ramp >= options.inFlight) return;
    answersAtRamp += 1;
    if (answersAtRamp < ramp) return;
    ramp = Math.min(options.inFlight, ramp * 2);
    answersAtRamp = 0;
  }

  return {
    appUid,
    key,
    refusal,
    hasRoom: () => inFlight < Math.min(options.inFlight, ramp) && refusal() === undefined,
    enter() {
      inFlight += 1;
      savings = Math.min(options.retryTokens, savings + options.retryBudget);
      const isTrial = circuit.ask() === 'trial';
      if (isTrial) circuit.beginTrial();
      return isTrial;
    },
    leave(trialAbandoned) {
      inFlight -= 1;
      if (trialAbandoned) circuit.abandonTrial();
    },
    record(answer, isTrial) {
      if (typeof answer === 'object') {
        const wait = Math.min(answer.throttledFor, LONGEST_THROTTLE);
        pausedUntil = Math.max(throttledUntil() ?? 0, clock.now() + wait);
        circuit.record(true, isTrial);
        slowStart();
        return throttled(wait);
      }
      if (answer === 'strange' && !isTrial) return undefined;
      const change = circuit.record(answer !== 'unanswered', isTrial);
      if (change === 'closed') slowStart();
      if (answer === 'answered') speedUp();
      if (change !== 'opened') return undefined;
      parts.onCircuitOpened();
      return refusal();
    },
    takeRetry() {
      if (savings < 1) return false;
      savings -= 1;
      return true;
    },
    throttledUntil,
    line,
    isIdle: () => inFlight === 0 && line.size === 0,
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
