/** The sandbox's clock: it runs with real time and can be moved. Milliseconds since the Unix epoch. */
export interface SandboxClock {
  now(): number;
  /** Difference from real time, in milliseconds. */
  offset(): number;
  advance(milliseconds: number): void;
  set(time: number): void;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

export function createSandboxClock(): SandboxClock {
  let offset = 0;
  return {
    now: () => Date.now() + offset,
    offset: () => offset,
    advance(milliseconds) {
      offset += milliseconds;
    },
    set(time) {
      offset = time - Date.now();
    },
  };
}
