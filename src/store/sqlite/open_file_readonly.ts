import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { FILE_HEADER_BYTES, readAt } from './database_file_header.ts';
import { unreadable } from './unusable_database_error.ts';

/** Position and value in the file header. */
const READ_VERSION = 19;
const WAL = 2;

/** A read-only connection never checkpoints, so the file does not change even if there is a WAL. */
export function openFileReadonly(path: string): SqliteConnection.Database {
  try {
    // In WAL mode SQLite must be able to write next to the file, and otherwise reports it as damaged.
    if (isInWalMode(path)) {
      accessSync(path, constants.W_OK);
      accessSync(dirname(path), constants.W_OK);
    }
    const client = new SqliteConnection(path, { readonly: true, fileMustExist: true, timeout: 100 });
    client.pragma('trusted_schema = OFF');
    client.pragma('cell_size_check = ON');
    return client;
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** https://www.sqlite.org/fileformat2.html#file_format_version_numbers */
function isInWalMode(path: string): boolean {
  const file = openSync(path, 'r');
  try {
    return readAt(file, FILE_HEADER_BYTES, 0)?.[READ_VERSION] === WAL;
  } finally {
    closeSync(file);
  }
}
