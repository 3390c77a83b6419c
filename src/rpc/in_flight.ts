import { VaultError } from '../model/errors.ts';

export interface InFlightLimits {
  readonly inFlight: number;
  readonly inFlightPerCaller: number;
}

/** Counts what is under way, over all and of each caller, so that no caller starves the others. */
export interface InFlight {
  /** OVERLOADED beyond a limit; what it throws for need not leave. */
  enter(caller: string): void;
  leave(caller: string): void;
}

export function createInFlight(limits: InFlightLimits): InFlight {
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
      ofCaller.set(caller, (ofCaller.get(caller) ?? 1) - 1);
    },
  };
}
