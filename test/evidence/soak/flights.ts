import { setTimeout as wait } from 'node:timers/promises';
import type { CrashPoints } from '../../../src/model/crash_points.ts';

/** Knows when Entra is being asked, so that the clock does not jump meanwhile. */
export interface Flights extends CrashPoints {
  /** Settles when no answer of Entra is awaited. */
  landed(): Promise<void>;
}

/** A lease that needed no exchange after all is not counted down: give up waiting for it. */
const MOST_WAITS = 100;

export function createFlights(): Flights {
  let inFlight = 0;
  return {
    reach(point) {
      if (point === 'after_lease') inFlight += 1;
      if (point === 'after_entra') inFlight -= 1;
    },
    async landed() {
      for (let waits = 0; inFlight > 0 && waits < MOST_WAITS; waits += 1) await wait(2);
      inFlight = 0;
    },
  };
}
