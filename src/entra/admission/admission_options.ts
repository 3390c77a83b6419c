import { type Duration, MINUTE, SECOND } from '../../model/clock.ts';

export interface AdmissionOptions {
  /** Per app and directory. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Over all apps and directories. */
  readonly totalInFlight: number;
  readonly totalWaiting: number;
  /** Bulkheads in memory; more than `totalInFlight` and `totalWaiting` together can use. */
  readonly bulkheads: number;
  /** Retry tokens earned by each exchange; 0.1 allows one retry per ten exchanges. */
  readonly retryBudget: number;
  /** Largest number of retry tokens. */
  readonly retryTokens: number;
  readonly circuit: CircuitOptions;
}

/** Opens if more than `threshold` (0 to 1) of the last `size` exchanges, at least `minimumCalls`, are unanswered. */
export interface CircuitOptions {
  readonly threshold: number;
  readonly size: number;
  readonly minimumCalls: number;
  readonly firstPause: Duration;
  readonly longestPause: Duration;
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
