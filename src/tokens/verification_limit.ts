import { createConcurrencyLimit } from '../model/concurrency_limit.ts';

/** No more than one app and directory takes in: 4 exchanges and their waiting places (admission_options.ts). */
const MOST_OF_CALLER = 32;

/**
 * Limits the verifications of each caller that are in progress. Refused here, one costs no reading of its connection, so
 * that a caller with too many does not slow down others.
 */
export function createVerificationLimit() {
  const limits = { inFlight: Number.POSITIVE_INFINITY, inFlightPerCaller: MOST_OF_CALLER };
  const inProgress = createConcurrencyLimit(limits, TOO_MANY);

  /** OVERLOADED beyond the limit. */
  return async function limited<Result>(callerId: string, verify: () => Promise<Result>): Promise<Result> {
    inProgress.enter(callerId);
    try {
      return await verify();
    } finally {
      inProgress.leave(callerId);
    }
  };
}

const TOO_MANY = `A caller verifies at most ${MOST_OF_CALLER} connections at once. Retry later, with fewer concurrent calls.`;
