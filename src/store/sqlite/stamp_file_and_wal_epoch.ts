import type SqliteConnection from 'better-sqlite3';

/**
 * Starts an epoch: the life of a write-ahead log until SQLite starts it over. `user_version` has the number of the epoch, which shows
 * whether a file and a log belong together: the file gets an even number, and the log starts with the following odd one.
 * Backups read both, so a copy has an odd number and differs from the file that the log continues.
 * Returns the odd number. Must not run inside a transaction, and must be the first write of an epoch.
 */
export function beginEpoch(client: SqliteConnection.Database): number {
  const even = numberEpoch(client);
  client.pragma('wal_checkpoint(PASSIVE)');
  client.pragma(`user_version = ${even + 1}`);
  return even + 1;
}

/** The first half. It is sufficient if the first write is a unique transaction, such as a migration. */
export function numberEpoch(client: SqliteConnection.Database): number {
  const even = (Number(client.pragma('user_version', { simple: true })) | 1) + 1;
  client.pragma(`user_version = ${even}`);
  return even;
}
