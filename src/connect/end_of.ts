import { isVaultError, type Reason } from '../model/errors.ts';

/** How the work behind a browser's callback came out, as the page will tell it. */
export interface End<Result> {
  readonly outcome: 'GRANTED' | Reason;
  readonly result?: Result;
  /** A mistake of ours: to be thrown once it is written down. */
  readonly unexpected?: Error;
}

export async function endOf<Result>(work: () => Promise<Result>): Promise<End<Result>> {
  try {
    return { outcome: 'GRANTED', result: await work() };
  } catch (error) {
    if (isVaultError(error)) return { outcome: error.reason };
    return {
      outcome: 'INTERNAL',
      unexpected: error instanceof Error ? error : new Error('not an error', { cause: error }),
    };
  }
}
