import { type Duration, MINUTE, SECOND } from '../../model/clock.ts';

export interface SlotLimits {
  /** Per app and directory. */
  readonly inFlight: number;
  readonly waiting: number;
  /** Over all apps and directories. */
  readonly totalInFlight: number;
  readonly totalWaiting: number;
}

/** `forced`: a caller wants another token than the valid one that is stored. */
export const EXCHANGE_KINDS = ['regular', 'forced'] as const;
export type ExchangeKind = (typeof EXCHANGE_KINDS)[number];

/** The limits are those of regular exchanges. */
export interface AdmissionOptions extends SlotLimits {
  /** In addition. */
  readonly forced: SlotLimits;
  /** Bulkheads in memory; more than all slots and waiting places together can use. */
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
  // More waiting places than the calls of one caller that may wait.
  forced: { inFlight: 4, waiting: 32, totalInFlight: 16, totalWaiting: 1024 },
  bulkheads: 4096,
  retryBudget: 0.1,
  retryTokens: 5,
  circuit: { threshold: 0.5, size: 20, minimumCalls: 5, firstPause: SECOND, longestPause: MINUTE },
};
