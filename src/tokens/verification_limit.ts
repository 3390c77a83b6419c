import { VaultError } from '../model/errors.ts';

/** No more than one app and directory takes in: 4 exchanges and their waiting places (admission_options.ts). */
const MOST_OF_CALLER = 32;

/**
 * Limits the verifications of each caller that are in progress. Refused here, one costs no reading of its connection, so
 * that a caller with too many does not slow down others.
 */
export function createVerificationLimit() {
  const ofCaller = new Map<string, number>();

  /** OVERLOADED beyond the limit. */
  return async function limited<Result>(callerId: string, verify: () => Promise<Result>): Promise<Result> {
    const own = ofCaller.get(callerId) ?? 0;
    if (own >= MOST_OF_CALLER) throw overloaded(callerId);
    ofCaller.set(callerId, own + 1);
    try {
      return await verify();
    } finally {
      const left = (ofCaller.get(callerId) ?? 1) - 1;
      if (left === 0) ofCaller.delete(callerId);
      else ofCaller.set(callerId, left);
    }
  };
}

function overloaded(callerId: string): VaultError {
  const message = `Caller ${callerId} verifies ${MOST_OF_CALLER} connections already. Retry later, with fewer concurrent calls.`;
  return new VaultError('OVERLOADED', message);
}
