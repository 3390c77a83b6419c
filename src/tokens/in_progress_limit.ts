import { createConcurrencyLimit } from '../model/concurrency_limit.ts';

/**
 * Limits the work of each key that is in progress. Refused here, it costs no reading, so that a caller with too much of it
 * does not slow down others. OVERLOADED with `message` beyond the limit.
 */
export function createInProgressLimit(most: number, message: string) {
  const limits = { inFlight: Number.POSITIVE_INFINITY, inFlightPerCaller: most };
  const inProgress = createConcurrencyLimit(limits, message);

  return async function limited<Result>(key: string, work: () => Promise<Result>): Promise<Result> {
    inProgress.enter(key);
    try {
      return await work();
    } finally {
      inProgress.leave(key);
    }
  };
}
