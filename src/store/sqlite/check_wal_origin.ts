import type { FileHeader } from './database_file_header.ts';
import { headersInWal } from './read_database_headers_in_wal.ts';
import { unusable } from './unusable_database_error.ts';

/**
 * Throws if the write-ahead log belongs to another database file: a backup was restored, but the old log was not deleted.
 * SQLite would mix the two, which undoes the restore or destroys the copy. See `begin_wal_epoch.ts`.
 */
export function checkWalOrigin(path: string, file: FileHeader): void {
  const headers = headersInWal(`${path}-wal`);
  const first = headers[0];
  // Versions of this program without epochs wrote 0.
  if (first === undefined || first.userVersion === 0) return;
  const isUntouched = file.userVersion === first.userVersion - 1 || isFirstLog(file, first);
  // A checkpoint copies page 1 unchanged; a backup changes at least its change counter.
  const isCheckpointed = () => headers.some(({ bytes }) => bytes.equals(file.bytes));
  if (isUntouched || isCheckpointed()) return;
  throw unusable(
    path,
    'stale_wal',
    `does not belong to ${path}-wal: it was replaced, perhaps by a backup, and the log of the previous file was not deleted. ` +
      `To use the new file, delete ${path}-wal and ${path}-shm. To use the previous file, put it back. Nothing was changed`,
  );
}

/** Of a new file, which has no number yet: its log starts with the first migration. */
function isFirstLog(file: FileHeader, first: FileHeader): boolean {
  return file.userVersion === 0 && first.userVersion === 2;
}
