import { MINUTE, type SandboxClock } from '../clock.ts';

/** Entra stops a client that repeats itself (50196). */
export interface LoopGuard {
  /** Counts the request; true when the same one came too often. */
  isLooping(key: string): boolean;
}

const WINDOW = 5 * MINUTE;
const LIMIT = 15;

export function createLoopGuard(clock: SandboxClock): LoopGuard {
  // Two generations of windows, so that what is old goes without a walk over all keys.
  let current = new Map<string, number[]>();
  let previous = new Map<string, number[]>();
  let turned = clock.now();
  return {
    isLooping(key) {
      const now = clock.now();
      if (now - turned >= WINDOW || now < turned) {
        previous = now - turned < 2 * WINDOW && now >= turned ? current : new Map();
        current = new Map();
        turned = now;
      }
      const times = (current.get(key) ?? previous.get(key) ?? []).filter((time) => now - time < WINDOW);
      times.push(now);
      current.set(key, times);
      return times.length >= LIMIT;
    },
  };
}
