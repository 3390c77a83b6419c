import { type Clock, type Duration, SECOND, type Timestamp, timeLeft } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { createRecentMap } from './recent_map.ts';

/** Far from Entra's loop guard (50196: 15 equal requests in 5 minutes). */
const INTERVAL: Duration = 30 * SECOND;

/**
 * The pace of exchanges that a caller forces although a valid token is stored (VerifyConnection, `claims`,
 * `rejected_token_sha256`): one per connection and interval, whatever forces it.
 */
export interface ForcedExchanges {
  /** RATE_LIMITED while another force had its exchange. `force`: the call that forces; it may have several exchanges. */
  refuse(connection: Connection, force: Force | undefined): void;
  /** The same, at the moment when Entra is asked: from here on the others wait. */
  begin(connection: Connection, force: Force | undefined): void;
}

/** Identifies the call. */
export type Force = object;

export function createForcedExchanges({ clock }: { readonly clock: Clock }): ForcedExchanges {
  const last = createRecentMap<string, { readonly time: Timestamp; readonly force: Force }>(10_000);

  function refuse(connection: Connection, force: Force | undefined): void {
    const before = force && last.find(connection.uid);
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
    refuse,
    begin(connection, force) {
      refuse(connection, force);
      if (force !== undefined) last.set(connection.uid, { time: clock.now(), force });
    },
  };
}
