import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxClock } from '../movable_clock.ts';

const TIMEOUT = 1_000;

/** Other processes that use this sandbox's clock. */
export type ClockFollowers = ReturnType<typeof createClockFollowers>;

export function createClockFollowers(clock: SandboxClock) {
  const waiting = new Map<string, () => void>();
  /** Followers that were notified of the current time and have not asked again yet. */
  const notified = new Map<string, () => void>();

  return {
    /** Waits until the clock's offset differs from `knownOffset`, or for `longest` milliseconds. */
    async follow(follower: string, knownOffset: number, longest: number): Promise<void> {
      if (knownOffset !== clock.offset()) return;
      notified.get(follower)?.();
      notified.delete(follower);
      const move = Promise.withResolvers<void>();
      waiting.set(follower, move.resolve);
      await Promise.race([move.promise, delay(longest, undefined, { ref: false })]);
      waiting.delete(follower);
    },
    /** Notifies the waiting followers. Settles when each has asked again with the new offset, or after a second. */
    async moved(): Promise<void> {
      const returns = [...waiting].map(([follower, notify]) => {
        const asksAgain = Promise.withResolvers<void>();
        notified.set(follower, asksAgain.resolve);
        notify();
        return asksAgain.promise;
      });
      await Promise.race([Promise.all(returns), delay(TIMEOUT, undefined, { ref: false })]);
    },
  };
}
