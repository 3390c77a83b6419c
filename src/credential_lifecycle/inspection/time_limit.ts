import type { Duration } from '../../model/clock.ts';

export type TimeLimit = ReturnType<typeof createTimeLimit>;

/** A common time limit for several requests. */
export function createTimeLimit(total: Duration) {
  const end = performance.now() + total;
  // A timer may fire slightly before its time.
  let isOver = false;
  return {
    /** `late` after the time limit: a started request continues, but its result is ignored; others are not started. */
    async within<Result, Late>(start: () => Promise<Result>, late: Late): Promise<Result | Late> {
      const left = end - performance.now();
      if (isOver || left <= 0) return late;
      const { promise: over, resolve } = Promise.withResolvers<Late>();
      const timer = setTimeout(() => {
        isOver = true;
        resolve(late);
      }, left);
      return Promise.race([start(), over]).finally(() => clearTimeout(timer));
    },
  };
}
