import { type Clock, type Duration, HOUR, type Timestamp } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log.ts';

/** Rows that cannot be worked on: at the head of an index they would fill every batch, so that nobody else had a turn. */
export interface Quarantine {
  readonly size: number;
  has(uid: string): boolean;
  /** Throws the failure on where it is no fault of the row. */
  add(uid: string, failure: unknown): void;
}

const FOR: Duration = HOUR;

export function createQuarantine({ clock, log }: { readonly clock: Clock; readonly log: Log }): Quarantine {
  /** By uid, until when. */
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
      rows.set(uid, clock.now() + FOR);
    },
  };
}

function isOutage(failure: unknown): boolean {
  return isVaultError(failure) && failure.reason === 'DATABASE_UNAVAILABLE';
}
