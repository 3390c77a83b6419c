import { closeSync, fdatasync, openSync } from 'node:fs';
import { promisify } from 'node:util';
import { SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';

export type SyncFile = (descriptor: number) => Promise<void>;

/** Syncs of a write-ahead log outside of SQLite, whose own sync blocks the event loop. */
export interface LogSync {
  /** Resolves when everything in the log is on the disk. */
  run(): Promise<void>;
  /** DATABASE_UNAVAILABLE after a failed sync, until it is repaired. */
  check(): void;
  /** Before each write: repairs a failed sync, or throws. */
  repair(): void;
  close(): void;
}

export interface LogSyncParts {
  readonly path: string;
  /** Copies the log into the database file, syncs that file, and empties the log. False: another connection reads the log. */
  readonly empty: () => boolean;
  /** Default: `fdatasync`, on a thread of Node. */
  readonly syncFile?: SyncFile | undefined;
}

/**
 * After a failed sync, Linux marks the pages as clean, and reports the next sync as successful (ADR 24). SQLite would ignore
 * everything behind such a gap in the log. So nothing is written or read until the log is in the database file.
 */
export function createLogSync({ path, empty, syncFile = promisify(fdatasync) }: LogSyncParts): LogSync {
  // For writing, because some systems sync no file that is open for reading only.
  const descriptor = openSync(path, 'r+');
  let hasGap = false;

  function check(): void {
    if (hasGap) throw failed();
  }

  function repair(): void {
    if (hasGap && empty()) hasGap = false;
    check();
  }

  return {
    async run() {
      try {
        await syncFile(descriptor);
      } catch {
        hasGap = true;
        repair();
      }
    },
    check,
    repair,
    close: () => closeSync(descriptor),
  };
}

function failed(): VaultError {
  return new VaultError(
    'DATABASE_UNAVAILABLE',
    'The disk of the database failed to store a commit, so the vault neither writes nor reads until it can. Check the disk; ' +
      'the vault tries again at the next write.',
    { metadata: { fault: 'unsynced' }, retryAfter: SECOND },
  );
}
