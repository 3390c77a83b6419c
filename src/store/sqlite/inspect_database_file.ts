import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { isVaultError } from '../../model/errors.ts';
import type { Migration } from '../read_migration_files.ts';
import { checkWalOrigin } from './check_wal_origin.ts';
import { checkNotServed, isAsClosed } from './clean_shutdown_state_file.ts';
import { FILE_HEADER_BYTES, type FileHeader, parseFileHeader } from './database_file_header.ts';
import { MIGRATIONS_TABLE } from './migrations.ts';
import { openFileReadonly } from './open_file_readonly.ts';
import { damaged, isDamage, unreadable, unusable } from './unusable_database_error.ts';

/** "TKVT" in the file header: identifies the databases of the vault before anything is written. */
export const APPLICATION_ID = 0x544b5654;

/** The migration (0006) since which names are bound: values that were sealed before it do not open (ADR 30). */
const NAMES_BOUND = 6;

const WAL_HEADER_BYTES = 32;
const WAL_FRAME_HEADER_BYTES = 24;
const MAGIC = 'SQLite format 3\0';

/**
 * Checks, without writing, that a file is a complete database of a vault with a schema and sealed values that this program knows.
 * `new`: the file is missing or has no tables yet.
 */
export function inspectFile(path: string, known: readonly Migration[]): 'new' | 'ours' {
  const header = readHeader(path);
  if (header === undefined) {
    checkNotServed(path);
    return 'new';
  }
  const { applicationId } = header;
  if (applicationId !== 0 && applicationId !== APPLICATION_ID) throw foreign(path);
  const client = openFileReadonly(path);
  try {
    const tables = client.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    // The process was killed before it committed the first migration.
    if (tables.length === 0) return 'new';
    if (applicationId === 0 || !tables.includes(MIGRATIONS_TABLE)) throw foreign(path);
    const applied = client.prepare(`SELECT created_at FROM ${MIGRATIONS_TABLE}`).pluck().all();
    const unknown = applied.some((time) => known.every((migration) => migration.time !== Number(time)));
    if (unknown) {
      throw unusable(
        path,
        'newer_schema',
        'has a newer schema than this program supports. Start the version that wrote it',
      );
    }
    const hasKeys = () => client.prepare("SELECT 1 FROM meta WHERE key = 'deployment_id'").get() !== undefined;
    if (known.some(({ time }, index) => index === NAMES_BOUND && !applied.includes(time)) && hasKeys()) {
      throw unusable(
        path,
        'older_schema',
        'was written by a version before the first release, whose sealed values this program cannot open. Create a new database',
      );
    }
    return 'ours';
  } catch (error) {
    // An intact copy looks damaged if the log of another file is next to it.
    if (isDamage(error)) checkWalOrigin(path, header);
    throw isVaultError(error) ? error : unreadable(path, error);
  } finally {
    client.close();
  }
}

/** As `inspectFile`, for a database that a vault was set up in. */
export function checkExists(path: string, known: readonly Migration[]): string {
  const file = resolve(path.trim());
  if (inspectFile(file, known) === 'ours') return file;
  throw unusable(file, 'missing', 'has no vault in it. Check the path');
}

/**
 * For the process that holds the lock: throws if the write-ahead log is missing or belongs to another file, or if pages are damaged.
 * Reading every page takes one second per gigabyte, so a file that is unchanged since a vault closed it is not read.
 */
export function inspectContent(path: string): void {
  const header = readHeader(path);
  if (header === undefined) return;
  checkWalOrigin(path, header);
  if (isAsClosed(path)) return;
  const client = openFileReadonly(path);
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
    throw unusable(path, 'not_a_file', 'cannot be read. Check its path and permissions', error);
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unusable(path, 'not_a_file', 'is not a file. Set TOKENVAULT_DATABASE_URL to a file');
    if (stat.nlink > 1) throw linked(path);
    if (stat.size === 0) return undefined;
    const bytes = Buffer.alloc(FILE_HEADER_BYTES);
    const bytesRead = readSync(file, bytes, 0, FILE_HEADER_BYTES, 0);
    const begins = Math.min(bytesRead, MAGIC.length);
    if (bytes.toString('latin1', 0, begins) !== MAGIC.slice(0, begins)) {
      throw unusable(path, 'not_a_database', 'is not a SQLite database. Check the path; the file was not changed');
    }
    const header = parseFileHeader(bytes);
    const { pageSize, pageCount = 1 } = header;
    if (bytesRead < FILE_HEADER_BYTES || stat.size < pageSize * (pageCount - pagesInWal(path, pageSize))) {
      throw unusable(path, 'truncated', 'is incomplete: it was not copied to its end. Restore it from a backup');
    }
    return header;
  } finally {
    closeSync(file);
  }
}

/** An upper bound. A killed checkpoint may have written the header and left later pages in the WAL, where SQLite reads them. */
function pagesInWal(path: string, pageSize: number): number {
  const size = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  return Math.floor(Math.max(0, size - WAL_HEADER_BYTES) / (WAL_FRAME_HEADER_BYTES + pageSize));
}

function foreign(path: string) {
  return unusable(path, 'foreign', 'belongs to another program. Check the path; the file was not changed');
}

/** The lock and the write-ahead log depend on the file name. */
function linked(path: string) {
  return unusable(
    path,
    'linked',
    'has a hard link, by which a second vault could serve it. Find the other name with `find -samefile` and delete it',
  );
}
