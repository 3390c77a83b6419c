import { type ConcurrencyLimits, createConcurrencyLimit } from '../../model/concurrency_limit.ts';

/**
 * Shares of calls that wait for Entra, and that wait for the same resource. The rest stays free for cached tokens and
 * other resources.
 */
const WAITING = 3 / 4;
const WAITING_FOR_ONE = 1 / 4;

/** Limits calls that wait for Entra, and calls of one caller that wait for the same resource. */
export interface WaitingCalls {
  /** OVERLOADED. Returns what to pass to `leave`. */
  enter(caller: string, resource: string): string;
  leave(caller: string, entered: string): void;
}

export function createWaitingCalls({ inFlight, inFlightPerCaller }: ConcurrencyLimits): WaitingCalls {
  const all = createConcurrencyLimit({
    inFlight: Math.ceil(inFlight * WAITING),
    inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING),
  });
  const one = createConcurrencyLimit({ inFlight, inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING_FOR_ONE) });
  return {
    enter(caller, resource) {
      const key = `${caller} ${resource}`;
      one.enter(key);
      try {
        all.enter(caller);
      } catch (error) {
        one.leave(key);
        throw error;
      }
      return key;
    },
    leave(caller, entered) {
      one.leave(entered);
      all.leave(caller);
    },
  };
}
