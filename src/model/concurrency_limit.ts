import { VaultError } from './errors.ts';

export interface ConcurrencyLimits {
  readonly inFlight: number;
  readonly inFlightPerCaller: number;
}

/** Counts calls in progress, overall and per caller, so that no caller starves the others. */
export interface ConcurrencyLimit {
  /** OVERLOADED beyond a limit; then `leave` must not be called. */
  enter(caller: string): void;
  leave(caller: string): void;
}

export function createConcurrencyLimit(limits: ConcurrencyLimits, message = TOO_MANY): ConcurrencyLimit {
  const ofCaller = new Map<string, number>();
  const tooMany = new VaultError('OVERLOADED', message);
  let all = 0;
  return {
    enter(caller) {
      const own = ofCaller.get(caller) ?? 0;
      if (all >= limits.inFlight || own >= limits.inFlightPerCaller) throw tooMany;
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

const TOO_MANY = 'Too many calls are in progress. Retry later, with fewer concurrent calls.';
