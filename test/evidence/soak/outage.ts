import { MINUTE, SECOND } from '../../../src/model/clock.ts';
import type { FaultInput } from '../../../src/sandbox/faults/injected_faults.ts';
import type { AppKey } from './layout.ts';

/** Milliseconds since the start of the soak. */
export type Time = number;

/** A caller that only waited for a cooldown is served at the latest this long after the end of the fault. */
export const LONGEST_HOLD = 5 * MINUTE + 30 * SECOND;

/** A fault of Entra for some time, and the refusals that the rule allows. */
export interface Outage {
  readonly label: string;
  readonly subject: string;
  /** What goes wrong: answers of Entra, or the real state of the app's secrets. */
  readonly fault: OutageFault;
  /** Indexes of the targets that it hits. */
  readonly targets: readonly number[];
  readonly from: Time;
  readonly repairTime: Time;
  /** Every call from then on is served. */
  readonly until: Time;
  /** The answer is about the grant or a resource of it, so tokens that are still valid may be dropped. */
  readonly dropsTokens: boolean;
  /** It refuses every request of these targets. Else, for example, the other credential takes over. */
  readonly isTotal: boolean;
  readonly reasons: readonly string[];
  readonly repair?: Repair | undefined;
}

/** The fault's scope in terms of the layout. */
export type OutageFault =
  | {
      readonly kind: 'answer';
      readonly answer: Pick<FaultInput, 'code' | 'error' | 'suberror'>;
      readonly user?: number;
      readonly directory?: number;
      readonly app?: AppKey;
      readonly resource?: string;
    }
  /** `credentials`: which of the app's secrets. */
  | { readonly kind: 'expired' | 'removed'; readonly app: AppKey; readonly credentials: readonly number[] };

/** What a user or an operator does after the fault. */
export interface Repair {
  readonly time: Time;
  readonly kind: 'verify' | 'reconnect';
  readonly user: number;
}

/** When callers who wait ask again after an outage: as often as clients do that retry. */
export const RETRIES: readonly Time[] = [60, 120, 180, 240, 300, 310, 320, 330].map((seconds) => seconds * SECOND);
