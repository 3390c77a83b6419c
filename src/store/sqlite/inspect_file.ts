import { accessSync, closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { isVaultError } from '../../model/errors.ts';
import { FILE_HEADER_BYTES, type FileHeader, parseFileHeader } from './file_header.ts';
import { checkNotServed, isAsClosed } from './file_record.ts';
import { MIGRATIONS_TABLE, type Migration } from './migrations.ts';
import { codeOf, unusable } from './unusable.ts';
import { checkWalOrigin } from './wal_origin.ts';

/** "TKVT": stands in the file's header, so that a foreign database is known before anything is written. */
export const APPLICATION_ID = 0x544b5654;

const WAL_HEADER_BYTES = 32;
const WAL_FRAME_HEADER_BYTES = 24;
const MAGIC = 'SQLite format 3\0';

/**
 * Reads a file without a single write: whether it is a vault's, whole, and of a schema that this program knows.
 * `new`: there is nothing yet.
 */
export function inspectFile(path: string, known: readonly Migration[]): 'new' | 'ours' {
  const header = readHeader(path);
  if (header === undefined) {
    checkNotServed(path);
    return 'new';
  }
  const { applicationId } = header;
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
    // Beside another file's log a sound copy looks damaged.
    if (isDamage(error)) checkWalOrigin(path, header);
    throw isVaultError(error) ? error : unreadable(path, error);
  } finally {
    client.close();
  }
}

/**
 * For the process that has the lock: refuses a file that lost its write-ahead log, stands beside that of another file, or has damaged
 * pages. Reading every page takes a second a gigabyte, so a file that is as a vault closed it is believed.
 */
export function inspectContent(path: string): void {
  const header = readHeader(path);
  if (header === undefined) return;
  checkWalOrigin(path, header);
  if (isAsClosed(path)) return;
  const client = openReadonly(path);
  try {
    const found = client.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw damaged(path);
  } catch (error) {
    throw isVaultError(error) ? error : unreadable(path, error);
  } finally {
    client.close();
  }
}

/** Undefined: the file is missing or empty. */
function readHeader(path: string): FileHeader | undefined {
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
    if (stat.nlink > 1) throw linked(path);
    if (stat.size === 0) return undefined;
    const bytes = Buffer.alloc(FILE_HEADER_BYTES);
    const bytesRead = readSync(file, bytes, 0, FILE_HEADER_BYTES, 0);
    const begins = Math.min(bytesRead, MAGIC.length);
    if (bytes.toString('latin1', 0, begins) !== MAGIC.slice(0, begins)) {
      throw unusable(path, 'not_a_database', 'is not a SQLite database. Check the path; the file was left as it is');
    }
    const header = parseFileHeader(bytes);
    const { pageSize, pageCount = 1 } = header;
    if (bytesRead < FILE_HEADER_BYTES || stat.size < pageSize * (pageCount - pagesInWal(path, pageSize))) {
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
    // SQLite reads in WAL mode only where it may write beside the file, and would call anything else damaged.
    accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    const client = new SqliteConnection(path, { readonly: true, fileMustExist: true, timeout: 100 });
    client.pragma('trusted_schema = OFF');
    client.pragma('cell_size_check = ON');
    return client;
  } catch (error) {
    throw unreadable(path, error);
  }
}

function foreign(path: string) {
  return unusable(path, 'foreign', 'belongs to another program. Check the path; the file was left as it is');
}

/** The lock goes by the name, and the write-ahead log too. */
function linked(path: string) {
  return unusable(
    path,
    'linked',
    'has another name by a hard link, under which a second vault could serve it. Find it with `find -samefile`, and delete it',
  );
}

const DAMAGE = new Set(['SQLITE_CORRUPT', 'SQLITE_NOTADB']);

/** What SQLite says of a file that it cannot read or bring up to date. */
export function isDamage(error: unknown): boolean {
  return DAMAGE.has(codeOf(error)?.split('_').slice(0, 2).join('_') ?? '');
}

function unreadable(path: string, error: unknown) {
  return isDamage(error)
    ? damaged(path, error)
    : unusable(path, 'folder', 'cannot be opened. Check the disk, and who may write the file and its folder', error);
}

export function damaged(path: string, error?: unknown) {
  return unusable(path, 'corrupt', 'cannot be read: it is damaged. Restore it from a backup', error);
}
