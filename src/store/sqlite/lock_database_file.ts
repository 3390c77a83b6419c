import { closeSync, openSync } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { unusable } from './unusable_database_error.ts';

/**
 * Locks a database file for one process by an exclusive transaction on a small database next to it. The kernel releases the lock when the
 * process exits, even after kill -9; a plain lock file would become stale.
 */
export function lockFile(path: string): () => void {
  const lockPath = `${path}.lock`;
  let lock: SqliteConnection.Database | undefined;
  try {
    // Accessible to its owner only: everyone who can read the file could hold the lock.
    closeSync(openSync(lockPath, 'a', 0o600));
    lock = new SqliteConnection(lockPath, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw busy(error)
      ? unusable(
          path,
          'locked',
          'is in use by another process. Stop that process first: only one may serve the database',
        )
      : unusable(path, 'lock', `cannot be locked by ${lockPath}. Check the permissions of the folder`, error);
  }
  const held = lock;
  return () => held.close();
}

function busy(error: unknown): boolean {
  return error instanceof SqliteConnection.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
