import type { FileHeader } from './file_header.ts';
import { unusable } from './unusable.ts';
import { headersInWal } from './wal_file.ts';

/**
 * Refuses a database file whose write-ahead log belongs to another one: a backup that was put in place while the old log was
 * left. SQLite would mix the two, which undoes the restore or destroys the copy. See `epoch.ts`.
 */
export function checkWalOrigin(path: string, file: FileHeader): void {
  const headers = headersInWal(`${path}-wal`);
  const first = headers[0];
  // Versions of this program that numbered no epochs left a 0.
  if (first === undefined || first.userVersion === 0) return;
  const isUntouched = file.userVersion === first.userVersion - 1;
  // A checkpoint copies page 1 as it is; a backup changes at least the change counter in it.
  const isCheckpointed = () => headers.some(({ bytes }) => bytes.equals(file.bytes));
  if (isUntouched || isCheckpointed()) return;
  throw unusable(
    path,
    'stale_wal',
    `is not the file that ${path}-wal belongs to: it was replaced, by a backup perhaps, and the log of the file before it was left. ` +
      `To use the new file, delete ${path}-wal and ${path}-shm. To use the file before it, put that back. Nothing was changed`,
  );
}
