import type SqliteConnection from 'better-sqlite3';

/**
 * An epoch is what one write-ahead log holds, from its beginning on until it begins again. It is numbered in `user_version`, so that a
 * file and a log that belong together are known: the file alone gets an even number, and the log begins with the odd one after it.
 * Backups read both, so that a copy has an odd number, and differs from the file that a log continues.
 * Returns the odd number. Must not run inside a transaction, and must be the first write of an epoch.
 */
export function beginEpoch(client: SqliteConnection.Database): number {
  const even = numberEpoch(client);
  client.pragma('wal_checkpoint(PASSIVE)');
  client.pragma(`user_version = ${even + 1}`);
  return even + 1;
}

/** The first half: enough where a transaction that is one of its kind, as a migration, is the first write. */
export function numberEpoch(client: SqliteConnection.Database): number {
  const even = (Number(client.pragma('user_version', { simple: true })) | 1) + 1;
  client.pragma(`user_version = ${even}`);
  return even;
}
