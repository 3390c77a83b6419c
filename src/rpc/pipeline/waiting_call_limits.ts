import type { ConcurrencyLimits } from '../../model/concurrency_limit.ts';

/**
 * Shares of calls that wait for Entra, and that wait for the same resource. The rest stays free for cached tokens and
 * other resources.
 */
const WAITING = 3 / 4;
const WAITING_FOR_ONE = 1 / 4;

/** Limits of calls that wait for Entra, and of calls of one caller that wait for the same resource. */
export function waitingLimits({ inFlight, inFlightPerCaller }: ConcurrencyLimits) {
  return {
    all: { inFlight: Math.ceil(inFlight * WAITING), inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING) },
    one: { inFlight, inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING_FOR_ONE) },
  };
}
