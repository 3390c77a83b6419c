import { closeSync, openSync } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { unusable } from './unusable.ts';

/**
 * One process a database file: an exclusive transaction held on a small database beside it. The kernel frees it when the
 * process ends, even by kill -9; a plain lock file would go stale.
 */
export function lockFile(path: string): () => void {
  const lockPath = `${path}.lock`;
  let lock: SqliteConnection.Database | undefined;
  try {
    // For its owner alone: whoever may read it could hold it.
    closeSync(openSync(lockPath, 'a', 0o600));
    lock = new SqliteConnection(lockPath, { timeout: 0 });
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock?.close();
    throw busy(error)
      ? unusable(path, 'locked', 'is in use by another process. Only one may serve it: end the other one first')
      : unusable(path, 'lock', `cannot be locked by ${lockPath}. Check who may write the folder`, error);
  }
  const held = lock;
  return () => held.close();
}

function busy(error: unknown): boolean {
  return error instanceof SqliteConnection.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
