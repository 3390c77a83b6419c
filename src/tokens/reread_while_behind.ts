import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import type { ChangesFeed } from './access_token_service_interface.ts';

/** A database that does not answer must not delay each request by its own, longer timeouts. */
const LONGEST_READ: Duration = 2 * SECOND;

export type Reread = ReturnType<typeof createReread>;

/**
 * For requests while changes of other processes do not arrive: returns what is stored now. An outage of the database must not stop all
 * products, so what is in memory is used while the database cannot be read, unless the changes have been missing for too long.
 */
export function createReread({ timers, feed }: { readonly timers: Timers; readonly feed: ChangesFeed | undefined }) {
  return async <Result>(read: Promise<Result>, known: Result | undefined): Promise<Result> => {
    if (known === undefined) return read;
    try {
      return await Promise.race([read, late()]);
    } catch (error) {
      if (isVaultError(error, 'DATABASE_UNAVAILABLE') && !feed?.stale) return known;
      throw error;
    }
  };

  async function late(): Promise<never> {
    await timers.sleep(LONGEST_READ);
    throw new VaultError('DATABASE_UNAVAILABLE', 'The database does not answer. Retry later.', { retryAfter: SECOND });
  }
}
