import { type Duration, HOUR, MINUTE, SECOND } from '../../model/clock.ts';
import type { CircuitOptions } from './circuit_breaker.ts';

export interface AdmissionOptions {
  /** Per app and directory. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Over all. */
  readonly totalInFlight: number;
  readonly totalWaiting: number;
  /** Bulkheads that are kept; more than `totalInFlight` and `totalWaiting` together can use. */
  readonly bulkheads: number;
  /** Retries for each first try; 0.1 is a tenth. */
  readonly retryBudget: number;
  /** Retries that may be saved up. */
  readonly retryTokens: number;
  readonly circuit: CircuitOptions;
}

export const ADMISSION_DEFAULTS: AdmissionOptions = {
  inFlight: 8,
  waiting: 32,
  totalInFlight: 64,
  totalWaiting: 2048,
  bulkheads: 4096,
  retryBudget: 0.1,
  retryTokens: 5,
  circuit: { threshold: 0.5, size: 20, minimumCalls: 5, firstPause: SECOND, longestPause: MINUTE },
};
/** Retry-After is never believed beyond this. */
export const LONGEST_THROTTLE: Duration = HOUR;
