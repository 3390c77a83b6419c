import { type Duration, SECOND } from '../model/clock.ts';
import type { LeaseStore } from '../store/background_store_interfaces.ts';

export type DeliveryLease = ReturnType<typeof createDeliveryLease>;

const DURATION = 30 * SECOND;

/** The lease of the replica that delivers to all sinks. */
export function createDeliveryLease(leases: LeaseStore, replica: string) {
  let until = 0;
  let stopped = false;
  return {
    /** Acquires or extends it. */
    async acquire(): Promise<boolean> {
      // By the monotonic clock, and counted from before the request, so that it never seems longer than it is.
      const start = performance.now();
      const acquired = await leases.acquire('sinks', replica, DURATION);
      until = acquired ? start + DURATION : 0;
      return acquired;
    },
    /** Whether it is held for at least this long. */
    isHeldFor: (duration: Duration): boolean => !stopped && performance.now() + duration <= until,
    /** No new attempts; those in progress complete under the lease. */
    stop(): void {
      stopped = true;
    },
    release: (): Promise<void> => leases.release('sinks', replica),
  };
}
