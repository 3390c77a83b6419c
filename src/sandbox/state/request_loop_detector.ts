import { MINUTE, type SandboxClock } from '../movable_clock.ts';

const WINDOW = 5 * MINUTE;
const LIMIT = 15;

/** Detects a client that repeats the same request, as Entra does (50196). */
export type LoopGuard = ReturnType<typeof createLoopGuard>;

export function createLoopGuard(clock: SandboxClock) {
  // Two generations of windows, so that old keys are dropped without a walk over all of them.
  let current = new Map<string, number[]>();
  let previous = new Map<string, number[]>();
  let windowStart = clock.now();
  return {
    /** Counts the request; true when the same request came too often. */
    isLooping(key: string): boolean {
      const now = clock.now();
      if (now - windowStart >= WINDOW || now < windowStart) {
        previous = now - windowStart < 2 * WINDOW && now >= windowStart ? current : new Map();
        current = new Map();
        windowStart = now;
      }
      const times = (current.get(key) ?? previous.get(key) ?? []).filter((time) => now - time < WINDOW);
      times.push(now);
      current.set(key, times);
      return times.length >= LIMIT;
    },
  };
}
