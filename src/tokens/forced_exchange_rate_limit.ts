import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, type Duration, SECOND, type Timestamp, timeLeft } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';

/** Far from Entra's loop detection (50196: 15 equal requests in 5 minutes). */
const INTERVAL: Duration = 30 * SECOND;

/** The call. */
export interface Force {
  /** Id of its caller. */
  readonly callerId: string;
}

export type ForcedExchanges = ReturnType<typeof createForcedExchanges>;

/**
 * Rate limit of exchanges that a caller forces although a valid token is stored (VerifyConnection, `claims`, `rejected_token_sha256`):
 * one call per connection and interval. That call may have several exchanges.
 */
export function createForcedExchanges(clock: Clock) {
  const last = createBoundedCache<string, { readonly time: Timestamp; readonly force: Force }>(10_000);

  /** RATE_LIMITED within the interval of another call. */
  function check(connection: Connection, force: Force | undefined): void {
    const before = force && last.get(connection.uid);
    if (before === undefined || before.force === force) return;
    const wait = timeLeft(before.time + INTERVAL, clock.now(), INTERVAL);
    if (wait === 0) return;
    const name = connectionName(connection);
    throw new VaultError(
      'RATE_LIMITED',
      `A new token of ${name} was requested from Entra less than 30 s ago. If its resource refuses the new token too, find out why; else retry later.`,
      { metadata: { resource: name }, retryAfter: wait },
    );
  }

  return {
    check,
    /** The same right before Entra is called: from now on other calls wait. */
    start(connection: Connection, force: Force | undefined): void {
      check(connection, force);
      if (force !== undefined) last.set(connection.uid, { time: clock.now(), force });
    },
  };
}
