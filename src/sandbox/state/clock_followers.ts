import { setTimeout as delay } from 'node:timers/promises';
import type { SandboxClock } from '../clock.ts';

/** Other processes whose clocks go by this one. */
export interface ClockFollowers {
  /** Waits until the clock is elsewhere than the follower believes, or for `longest`. */
  follow(follower: string, believedOffset: number, longest: number): Promise<void>;
  /** Tells those who wait; settles when each has come back knowing the new time, or is given up after a second. */
  moved(): Promise<void>;
}

const PATIENCE = 1_000;

export function createClockFollowers(clock: SandboxClock): ClockFollowers {
  const waiting = new Map<string, () => void>();
  /** Who was told of the present time and has not come back yet. */
  const told = new Map<string, () => void>();

  return {
    async follow(follower, believedOffset, longest) {
      if (believedOffset !== clock.offset()) return;
      told.get(follower)?.();
      told.delete(follower);
      const move = Promise.withResolvers<void>();
      waiting.set(follower, move.resolve);
      await Promise.race([move.promise, delay(longest, undefined, { ref: false })]);
      waiting.delete(follower);
    },
    async moved() {
      const back = [...waiting].map(([follower, tell]) => {
        const comes = Promise.withResolvers<void>();
        told.set(follower, comes.resolve);
        tell();
        return comes.promise;
      });
      await Promise.race([Promise.all(back), delay(PATIENCE, undefined, { ref: false })]);
    },
  };
}
