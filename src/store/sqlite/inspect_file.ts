import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import SqliteConnection from 'better-sqlite3';
import { isVaultError } from '../../model/errors.ts';
import { MIGRATIONS_TABLE, type Migration } from './migrations.ts';
import { unusable } from './unusable.ts';

/** "TKVT": stands in the file's header, so that a foreign database is known before anything is written. */
export const APPLICATION_ID = 0x544b5654;

const HEADER_BYTES = 100;
const WAL_HEADER_BYTES = 32;
const WAL_FRAME_HEADER_BYTES = 24;
const MAGIC = 'SQLite format 3\0';

/**
 * Reads a file without a single write: whether it is a vault's, whole, and of a schema that this program knows.
 * `new`: there is nothing yet.
 */
export function inspectFile(path: string, known: readonly Migration[]): 'new' | 'ours' {
  const header = readHeader(path);
  if (header === undefined) return 'new';
  const applicationId = header.readUInt32BE(68);
  if (applicationId !== 0 && applicationId !== APPLICATION_ID) throw foreign(path);
  const client = openReadonly(path);
  try {
    const tables = client.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    // Killed before the first migration was committed.
    if (tables.length === 0) return 'new';
    if (applicationId === 0 || !tables.includes(MIGRATIONS_TABLE)) throw foreign(path);
    const applied = client.prepare(`SELECT created_at FROM ${MIGRATIONS_TABLE}`).pluck().all();
    const unknown = applied.some((time) => known.every((migration) => migration.time !== Number(time)));
    if (unknown) {
      throw unusable(
        path,
        'newer_schema',
        'has a schema newer than this program knows. Start the version that wrote it',
      );
    }
    return 'ours';
  } catch (error) {
    throw isVaultError(error) ? error : damaged(path, error);
  } finally {
    client.close();
  }
}

/** https://www.sqlite.org/fileformat2.html#the_database_header */
function readHeader(path: string): Buffer | undefined {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw unusable(path, 'not_a_file', 'cannot be read. Check its path and who may read it', error);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unusable(path, 'not_a_file', 'is no file. Point TOKENVAULT_DATABASE_URL to a file');
    if (stat.size === 0) return undefined;
    const header = Buffer.alloc(HEADER_BYTES);
    const bytesRead = readSync(file, header, 0, HEADER_BYTES, 0);
    const begins = Math.min(bytesRead, MAGIC.length);
    if (header.toString('latin1', 0, begins) !== MAGIC.slice(0, begins)) {
      throw unusable(path, 'not_a_database', 'is not a SQLite database. Check the path; the file was left as it is');
    }
    const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
    // The count of pages is valid while both change counters agree.
    const counted = header.readUInt32BE(24) === header.readUInt32BE(92) ? header.readUInt32BE(28) : 1;
    if (bytesRead < HEADER_BYTES || stat.size < pageSize * (counted - pagesInWal(path, pageSize))) {
      throw unusable(path, 'truncated', 'is shorter than it should be: a copy was cut off. Restore it from a backup');
    }
    return header;
  } finally {
    closeSync(file);
  }
}

/** At most: a checkpoint that was killed has written the header, and left later pages in the WAL, from where SQLite takes them. */
function pagesInWal(path: string, pageSize: number): number {
  const size = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return Math.floor(Math.max(0, size - WAL_HEADER_BYTES) / (WAL_FRAME_HEADER_BYTES + pageSize));
}

// A read-only connection never checkpoints, so even a WAL that was left behind changes nothing in the file.
function openReadonly(path: string): SqliteConnection.Database {
  try {
    const client = new SqliteConnection(path, { readonly: true, fileMustExist: true, timeout: 100 });
    client.pragma('trusted_schema = OFF');
    client.pragma('cell_size_check = ON');
    return client;
  } catch (error) {
    throw damaged(path, error);
  }
}

function foreign(path: string) {
  return unusable(path, 'foreign', 'belongs to another program. Check the path; the file was left as it is');
}

function damaged(path: string, error: unknown) {
  return unusable(path, 'corrupt', 'cannot be read: it is damaged. Restore it from a backup', error);
}
