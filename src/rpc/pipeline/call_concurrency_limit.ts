import { VaultError } from '../../model/errors.ts';

export interface ConcurrencyLimits {
  readonly inFlight: number;
  readonly inFlightPerCaller: number;
}

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

/** Counts calls in progress, overall and per caller, so that no caller starves the others. */
export interface ConcurrencyLimit {
  /** OVERLOADED beyond a limit; then `leave` must not be called. */
  enter(caller: string): void;
  leave(caller: string): void;
}

export function createConcurrencyLimit(limits: ConcurrencyLimits): ConcurrencyLimit {
  const ofCaller = new Map<string, number>();
  let all = 0;
  return {
    enter(caller) {
      const own = ofCaller.get(caller) ?? 0;
      if (all >= limits.inFlight || own >= limits.inFlightPerCaller) {
        throw new VaultError('OVERLOADED', 'Too many calls are in progress. Retry later, with fewer concurrent calls.');
      }
      all += 1;
      ofCaller.set(caller, own + 1);
    },
    leave(caller) {
      all -= 1;
      const own = (ofCaller.get(caller) ?? 1) - 1;
      if (own === 0) ofCaller.delete(caller);
      else ofCaller.set(caller, own);
    },
  };
}
