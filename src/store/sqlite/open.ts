import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { isVaultError } from '../../model/errors.ts';
import type { Database, StatementMeter } from '../database.ts';
import { lockFile } from './file_lock.ts';
import { APPLICATION_ID, damaged, inspectContent, inspectFile, isDamage } from './inspect_file.ts';
import { MIGRATIONS_TABLE, type Migration, migrate, readMigrations } from './migrations.ts';
import { createOpenFiles, type OpenFiles } from './open_files.ts';
import { createSqliteDatabase } from './sqlite_database.ts';
import { codeOf, otherTables, unusable } from './unusable.ts';

export interface SqliteParts {
  /** A file, made with its folder when it is missing, or `:memory:`. */
  path: string;
  meter?: StatementMeter | undefined;
  migrations?: readonly Migration[] | undefined;
}

const MEMORY = ':memory:';

/** Milliseconds. It blocks the event loop; there is nobody to wait for anyway. */
const BUSY_TIMEOUT = 100;

/**
 * Opens and migrates a database. DATABASE_UNAVAILABLE with metadata `path` and `fault` where it cannot; the file is then
 * as it was.
 */
export function openSqlite({ path, meter, migrations = readMigrations() }: SqliteParts): Database {
  const file = path === MEMORY ? MEMORY : realPath(path);
  const unlock = file === MEMORY ? () => {} : lockChecked(file, migrations);
  let client: SqliteConnection.Database | undefined;
  try {
    client = new SqliteConnection(file, { timeout: BUSY_TIMEOUT });
    configure(client, file);
    migrate(client, migrations);
    assertSettings(client, file);
    const isEmpty = isNew(client, file);
    const files = file === MEMORY ? inMemory(client) : createOpenFiles(file, client);
    return createSqliteDatabase({ client, files, isEmpty, meter, onClose: unlock });
  } catch (error) {
    client?.close();
    unlock();
    throw isVaultError(error) ? error : notMigrated(file, error);
  }
}

function notMigrated(file: string, error: unknown) {
  if (isDamage(error)) return damaged(file, error);
  return codeOf(error) === 'SQLITE_ERROR'
    ? otherTables(file, error)
    : unusable(file, 'migration', 'cannot be brought up to date. Check the disk and who may write the file', error);
}

/** No vault was set up in it yet. A vault's records that are gone are damage: beside a new root key, all else would be lost for good. */
function isNew(client: SqliteConnection.Database, file: string): boolean {
  if (client.prepare("SELECT 1 FROM meta WHERE key = 'deployment_id'").get() !== undefined) return false;
  const hasRows = (table: string) => client.prepare(`SELECT 1 FROM "${table}"`).get() !== undefined;
  const tables = client.prepare(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
  );
  for (const table of tables.pluck().all().map(String)) {
    if (table === MIGRATIONS_TABLE || !hasRows(table)) continue;
    throw unusable(
      file,
      'emptied',
      `has rows in ${table}, but lost the records in meta that they need. Restore it from a backup`,
    );
  }
  return true;
}

function inMemory(client: SqliteConnection.Database): OpenFiles {
  return { place: undefined, verify() {}, beforeWrite() {}, truncateLog: () => true, close: () => client.close() };
}

function lockChecked(file: string, migrations: readonly Migration[]): () => void {
  // Before the lock makes a file beside it: whatever lies there may be no database at all.
  inspectFile(file, migrations);
  const unlock = lockFile(file);
  try {
    // Once more: until the lock was ours, another process may have written.
    inspectContent(file);
    if (inspectFile(file, migrations) === 'new') makeFile(file);
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

/** With its folder made. Reached by a link, it is still the same database, under the same lock. */
function realPath(path: string): string {
  // better-sqlite3 takes blanks off the ends of a name, so that the lock would be that of another file.
  const file = resolve(path.trim());
  const real = realPathOf(file);
  if (real === real.trim()) return real;
  throw unusable(file, 'name', 'is a link to a file whose name begins or ends with a blank. Rename that file');
}

function realPathOf(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file));
  } catch (error) {
    throw unusable(file, 'folder', 'needs a folder that cannot be made. Check the path and who may write there', error);
  }
}

// Sealed or not, it is nobody else's business; SQLite gives the WAL the mode of the file.
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw unusable(file, 'folder', 'cannot be made. Check the folder and who may write there', error);
  }
}

const SETTINGS: ReadonlyArray<readonly [name: string, value: string, readBack: string | number]> = [
  ['trusted_schema', 'OFF', 0],
  ['cell_size_check', 'ON', 1],
  ['foreign_keys', 'ON', 1],
  ['secure_delete', 'ON', 1],
  // While the journal is still a rollback journal: so it stands in the file's header from the first write on.
  ['application_id', String(APPLICATION_ID), APPLICATION_ID],
  ['journal_mode', 'WAL', 'wal'],
  // Pages (16 MB). At the usual 1,000 an import of many connections, which touches a dozen indexes a row, brings every second commit into
  // the file: it took half as long again, and the event loop stood still longer, not shorter.
  ['wal_autocheckpoint', '4000', 4000],
  // Pages that a savepoint may bring back: written to a file, they were as many as all that a sweep wrote else, and rows outside of the folder.
  ['temp_store', 'MEMORY', 2],
  // KiB, negative: SQLite's own 2 MB are less than one level of the indexes of 100,000 connections.
  ['cache_size', '-32768', -32768],
  // After journal_mode: this build of SQLite falls to NORMAL with WAL, and a commit would not be durable.
  ['synchronous', 'FULL', 2],
];

function configure(client: SqliteConnection.Database, file: string): void {
  for (const [name, value, expected] of SETTINGS) {
    // Writing the same id again would change the file. All else is set even when it reads as wanted: a default may still change.
    if (name === 'application_id' && client.pragma(name, { simple: true }) === expected) continue;
    client.pragma(`${name} = ${value}`);
  }
  assertSettings(client, file);
}

/** SQLite takes unknown or refused settings without a word, and changes some later by itself, so they are read back. */
function assertSettings(client: SqliteConnection.Database, file: string): void {
  for (const [name, value, expected] of SETTINGS) {
    const wanted = name === 'journal_mode' && file === MEMORY ? 'memory' : expected;
    if (client.pragma(name, { simple: true }) === wanted) continue;
    throw unusable(file, 'settings', `refuses the setting ${name} = ${value}. Use a local disk`);
  }
  if (Number(client.pragma('busy_timeout', { simple: true })) > BUSY_TIMEOUT) {
    throw unusable(file, 'settings', `refuses the setting busy_timeout = ${BUSY_TIMEOUT}`);
  }
}
