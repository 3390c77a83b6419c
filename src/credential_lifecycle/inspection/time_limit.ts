import type { Duration } from '../../model/clock.ts';

/** Of all that is asked for one app together. */
export interface TimeLimit {
  /** Answers `late` when the time is over: what was asked goes on by itself, what was not is not asked any more. */
  within<Result, Late>(ask: () => Promise<Result>, late: Late): Promise<Result | Late>;
}

export function createTimeLimit(total: Duration): TimeLimit {
  const end = performance.now() + total;
  // A timer may fire a moment before its time.
  let isOver = false;
  return {
    async within(ask, late) {
      const left = end - performance.now();
      if (isOver || left <= 0) return late;
      let timer: NodeJS.Timeout | undefined;
      const over = new Promise<typeof late>((resolve) => {
        timer = setTimeout(() => {
          isOver = true;
          resolve(late);
        }, left);
      });
      return Promise.race([ask(), over]).finally(() => clearTimeout(timer));
    },
  };
}
