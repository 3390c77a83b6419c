import type { Timestamp } from '../../../src/model/clock.ts';
import { systemTimers, type Timers } from '../../../src/model/monotonic_timers.ts';

export interface SimulatedTimers extends Timers {
  /** Runs, once each, the tasks whose period is over at this time of the simulated clock. */
  run(now: Timestamp): void;
}

/** What the vault does by itself happens by the simulated clock; waiting for a database or a pause is as ever. */
export function createSimulatedTimers(): SimulatedTimers {
  const tasks = new Set<{ readonly period: number; readonly task: () => void; due: Timestamp }>();
  return {
    sleep: systemTimers.sleep,
    every(period, task) {
      const entry = { period, task, due: 0 };
      tasks.add(entry);
      return () => tasks.delete(entry);
    },
    run(now) {
      for (const entry of [...tasks]) {
        if (entry.due > now) continue;
        entry.due = now + entry.period;
        entry.task();
      }
    },
  };
}
