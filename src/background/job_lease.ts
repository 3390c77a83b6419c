import { type Duration, SECOND } from '../model/clock.ts';
import type { HeldJobLease, LeaseStore } from '../store/background_store_interfaces.ts';

/** With the attempts of the others every five seconds, a job is taken over within half a minute of the death of its leader. */
const DURATION: Duration = 25 * SECOND;

/** How often each process tries to acquire a lease, or to renew it. */
export const LEASE_RENEWAL: Duration = 5 * SECOND;

export type JobLease = ReturnType<typeof createJobLease>;

/** The lease of the one process that does a job for all. */
export function createJobLease(leases: Pick<LeaseStore, 'acquire' | 'release'>, name: string, replica: string) {
  let held: HeldJobLease | undefined;
  let until = 0;
  let stopped = false;

  /** Whether it is held for at least this long. */
  const isHeldFor = (duration: Duration): boolean => !stopped && performance.now() + duration <= until;

  /** Acquires or extends it. */
  async function acquire(): Promise<HeldJobLease | undefined> {
    if (stopped) return undefined;
    // By the monotonic clock, and counted from before the request, so that it never seems longer than it is.
    const start = performance.now();
    held = await leases.acquire(name, replica, DURATION);
    until = held === undefined ? 0 : start + DURATION;
    return held;
  }

  return {
    acquire,
    isHeldFor,
    /** Before each batch: acquires it unless it was renewed lately. Undefined: another process holds it. */
    hold: async (): Promise<HeldJobLease | undefined> => (isHeldFor(DURATION - LEASE_RENEWAL) ? held : await acquire()),
    /** Acquires or extends it. True: this process did not hold it before. */
    async takeOver(): Promise<boolean> {
      const wasHeld = isHeldFor(0);
      return (await acquire()) !== undefined && !wasHeld;
    },
    /** No new work; work in progress completes under the lease. */
    stop(): void {
      stopped = true;
    },
    release: (): Promise<void> => leases.release(name, replica),
  };
}
