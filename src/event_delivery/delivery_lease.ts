import { type Duration, SECOND } from '../model/clock.ts';
import type { LeaseStore } from '../store/background_stores.ts';

/** Whether it is this replica that serves the sinks. */
export interface DeliveryLease {
  /** Asks for it, or for more of it. */
  take(): Promise<boolean>;
  /** Whether it lasts for so long at least; by a clock that nobody moves, counted from before it was asked for. */
  lasts(duration: Duration): boolean;
  /** Nothing more is begun; what is under way still has it. */
  end(): void;
  release(): Promise<void>;
}

const DURATION = 30 * SECOND;

export function createDeliveryLease({
  leases,
  replica,
}: {
  readonly leases: LeaseStore;
  readonly replica: string;
}): DeliveryLease {
  let until = 0;
  let ended = false;
  return {
    async take() {
      const asked = performance.now();
      const taken = await leases.acquire('sinks', replica, DURATION);
      until = taken ? asked + DURATION : 0;
      return taken;
    },
    lasts: (duration) => !ended && performance.now() + duration <= until,
    end() {
      ended = true;
    },
    release: () => leases.release('sinks', replica),
  };
}
