import { systemTimers, type Timers } from '../../src/model/monotonic_timers.ts';

export interface ManualTimers extends Timers {
  /** Runs all that is due every so often, once. */
  beat(): void;
}

/** What the vault does by itself happens when the test says so; waiting is as ever. */
export function createManualTimers(): ManualTimers {
  const tasks = new Set<() => void>();
  return {
    sleep: systemTimers.sleep,
    every(_period, task) {
      // An object of its own: the same function may be handed in twice.
      const entry = () => task();
      tasks.add(entry);
      return () => tasks.delete(entry);
    },
    beat() {
      for (const task of [...tasks]) task();
    },
  };
}
