import { type Clock, type Duration, HOUR, type Timestamp } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';

/** Poison rows: rows whose work fails are skipped for an hour. Otherwise they would fill every batch, since the index returns them first. */
export interface Quarantine {
  readonly size: number;
  has(uid: string): boolean;
  /** Rethrows a failure that the row did not cause. */
  add(uid: string, failure: unknown): void;
}

const PERIOD: Duration = HOUR;

export function createQuarantine({ clock, log }: { readonly clock: Clock; readonly log: Log }): Quarantine {
  /** When each ends, by uid. */
  const rows = new Map<string, Timestamp>();
  return {
    get size() {
      for (const [uid, until] of rows) if (until <= clock.now()) rows.delete(uid);
      return rows.size;
    },
    has: (uid) => rows.has(uid),
    add(uid, failure) {
      if (isOutage(failure)) throw failure;
      log.event('error', 'internal_error', { requestId: `expiry/${uid}`, ...errorLocation(failure) });
      rows.set(uid, clock.now() + PERIOD);
    },
  };
}

function isOutage(failure: unknown): boolean {
  return isVaultError(failure) && failure.reason === 'DATABASE_UNAVAILABLE';
}
