import { VaultError } from '../../model/errors.ts';

export interface ConcurrencyLimits {
  readonly inFlight: number;
  readonly inFlightPerCaller: number;
}

/** Those that wait for Entra leave places to those that memory answers, and those that wait for one connection to the others. */
const WAITING = 3 / 4;
const WAITING_FOR_ONE = 1 / 4;

/** The limits of calls that wait for Entra, and of those that wait for the same resource. */
export function waitingLimits({ inFlight, inFlightPerCaller }: ConcurrencyLimits) {
  return {
    all: { inFlight: Math.ceil(inFlight * WAITING), inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING) },
    one: { inFlight, inFlightPerCaller: Math.ceil(inFlightPerCaller * WAITING_FOR_ONE) },
  };
}

/** Counts what is under way, over all and of each caller, so that no caller starves the others. */
export interface InFlight {
  /** OVERLOADED beyond a limit; what it throws for need not leave. */
  enter(caller: string): void;
  leave(caller: string): void;
}

export function createInFlight(limits: ConcurrencyLimits): InFlight {
  const ofCaller = new Map<string, number>();
  let all = 0;
  return {
    enter(caller) {
      const own = ofCaller.get(caller) ?? 0;
      if (all >= limits.inFlight || own >= limits.inFlightPerCaller) {
        throw new VaultError('OVERLOADED', 'Too many calls are under way at once; wait and send fewer side by side');
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
