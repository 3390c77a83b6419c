import { type Clock, type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { Priority } from './authorization_server.ts';
import { createCircuit } from './circuit.ts';
import { LONGEST_THROTTLE, type PacingOptions, type Slot } from './pacing.ts';

/** The exchanges of one app in one directory. */
export interface Lane {
  readonly appUid: string;
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
  addWaiter(waiter: Waiter): void;
  removeWaiter(waiter: Waiter): boolean;
  takeWaiter(priority: Priority): Waiter | undefined;
  /** The one who came last among those of the lowest priority, if that is below the given one. */
  takeLastBelow(priority: Priority): Waiter | undefined;
  takeAllWaiters(): Waiter[];
  waitingCount(): number;
  /** Idle, and remembers nothing that matters. */
  isForgettable(): boolean;
}

export interface Waiter {
  readonly priority: Priority;
  admit(slot: Slot): void;
  refuse(error: VaultError): void;
}

const RANK = { FOREGROUND: 0, REFRESH_AHEAD: 1, BACKGROUND: 2 } as const satisfies Record<Priority, number>;
const FORGET_AFTER: Duration = 10 * MINUTE;

export function createLane(parts: {
  appUid: string;
  clock: Clock;
  options: PacingOptions;
  onCircuitOpened: () => void;
}): Lane {
  const { appUid, clock, options } = parts;
  const circuit = createCircuit(clock, options.circuit);
  const waiters: [Waiter[], Waiter[], Waiter[]] = [[], [], []];
  let inFlight = 0;
  let pausedUntil = 0;
  let lastUse = clock.now();
  let savings = options.retrySavings;
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
    refusal,
    hasRoom: () => inFlight < Math.min(options.inFlight, ramp) && refusal() === undefined,
    enter() {
      inFlight += 1;
      lastUse = clock.now();
      savings = Math.min(options.retrySavings, savings + options.retryBudget);
      const isTrial = circuit.ask() === 'trial';
      if (isTrial) circuit.beginTrial();
      return isTrial;
    },
    leave(trialAbandoned) {
      inFlight -= 1;
      lastUse = clock.now();
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
    addWaiter: (waiter) => waiters[RANK[waiter.priority]].push(waiter),
    removeWaiter(waiter) {
      const line = waiters[RANK[waiter.priority]];
      const index = line.indexOf(waiter);
      if (index >= 0) line.splice(index, 1);
      return index >= 0;
    },
    takeWaiter: (priority) => waiters[RANK[priority]].shift(),
    takeLastBelow(priority) {
      const lowest = waiters.findLastIndex((line) => line.length > 0);
      return lowest > RANK[priority] ? waiters[lowest]?.pop() : undefined;
    },
    takeAllWaiters: () => waiters.flatMap((line) => line.splice(0)),
    waitingCount: () => waiters[0].length + waiters[1].length + waiters[2].length,
    isForgettable() {
      const isIdle = inFlight === 0 && waiters.every((line) => line.length === 0);
      return isIdle && refusal() === undefined && clock.now() - lastUse >= FORGET_AFTER;
    },
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
