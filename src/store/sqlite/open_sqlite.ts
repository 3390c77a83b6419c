import { closeSync, existsSync, mkdirSync, openSync, realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import SqliteConnection from 'better-sqlite3';
import { isVaultError } from '../../model/errors.ts';
import type { Database, StatementMeter } from '../database_interface.ts';
import { type Migration, readMigrations } from '../read_migration_files.ts';
import { APPLICATION_ID, checkExists, inspectContent, inspectFile } from './inspect_database_file.ts';
import { lockFile } from './lock_database_file.ts';
import { MIGRATIONS_TABLE, migrate } from './migrations.ts';
import { createOpenFiles, type OpenFiles } from './open_database_file_guard.ts';
import { createSqliteDatabase } from './sqlite_database.ts';
import { codeOf, damaged, isDamage, otherTables, unusable } from './unusable_database_error.ts';
import type { SyncFile } from './write_ahead_log_sync.ts';

export interface SqliteParts {
  /** A file, which is created with its folder if it is missing, or `:memory:`. */
  path: string;
  meter?: StatementMeter | undefined;
  migrations?: readonly Migration[] | undefined;
  /** Do not create a missing database. */
  mustExist?: boolean | undefined;
  /** Default: `fdatasync`. */
  syncFile?: SyncFile | undefined;
}

const MEMORY = ':memory:';

/** In milliseconds. Waiting blocks the event loop, and no other process should hold a lock. */
const BUSY_TIMEOUT = 100;

/**
 * Opens and migrates a database. If that fails, throws DATABASE_UNAVAILABLE with metadata `path` and `fault`, and leaves the file
 * unchanged.
 */
export function openSqlite({
  path,
  meter,
  mustExist = false,
  syncFile,
  migrations = readMigrations('sqlite'),
}: SqliteParts): Database {
  if (mustExist) checkExists(path, migrations);
  const file = path === MEMORY ? MEMORY : realPath(path);
  const unlock = file === MEMORY ? () => {} : lockChecked(file, migrations);
  let client: SqliteConnection.Database | undefined;
  try {
    client = new SqliteConnection(file, { timeout: BUSY_TIMEOUT });
    configure(client, file);
    migrate(client, migrations);
    assertSettings(client, file);
    const isEmpty = isNew(client, file);
    const files = file === MEMORY ? inMemory(client) : createOpenFiles(file, client, syncFile);
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
    : unusable(file, 'migration', 'cannot be migrated. Check the disk and the permissions of the file', error);
}

/** Whether no vault was set up in it yet. Missing setup records are damage: with a new root key, all other rows would be lost for good. */
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
      `has rows in ${table}, but not the records in meta that they need. Restore it from a backup`,
    );
  }
  return true;
}

function inMemory(client: SqliteConnection.Database): OpenFiles {
  const nothing = () => {};
  const checks = { verify: nothing, beforeRead: nothing, beforeWrite: nothing };
  return { place: undefined, ...checks, sync: async () => {}, truncateLog: () => true, close: () => client.close() };
}

function lockChecked(file: string, migrations: readonly Migration[]): () => void {
  // Before the lock creates a file next to it: the path may not be a database at all.
  inspectFile(file, migrations);
  const unlock = lockFile(file);
  try {
    // Again: another process may have written until the lock was taken.
    inspectContent(file);
    if (inspectFile(file, migrations) === 'new') makeFile(file);
    return unlock;
  } catch (error) {
    unlock();
    throw error;
  }
}

/** Creates the folder and resolves links, so that a database has one lock whatever the path to it. */
function realPath(path: string): string {
  // better-sqlite3 trims file names, so that the lock would be that of another file.
  const file = resolve(path.trim());
  const real = realPathOf(file);
  if (real === real.trim()) return real;
  throw unusable(file, 'name', 'is a link to a file whose name starts or ends with a space. Rename that file');
}

function realPathOf(file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file));
  } catch (error) {
    throw unusable(file, 'folder', 'needs a folder that cannot be created. Check the path and its permissions', error);
  }
}

// Readable by its owner only. SQLite gives the WAL the mode of the file.
function makeFile(file: string): void {
  try {
    closeSync(openSync(file, 'a', 0o600));
  } catch (error) {
    throw unusable(file, 'folder', 'cannot be created. Check the folder and its permissions', error);
  }
}

const SETTINGS: ReadonlyArray<readonly [name: string, value: string, readBack: string | number]> = [
  ['trusted_schema', 'OFF', 0],
  ['cell_size_check', 'ON', 1],
  ['foreign_keys', 'ON', 1],
  ['secure_delete', 'ON', 1],
  // Before journal_mode, while the journal is a rollback journal, so that it is in the file header from the first write on.
  ['application_id', String(APPLICATION_ID), APPLICATION_ID],
  ['journal_mode', 'WAL', 'wal'],
  // In pages (16 MB). With the default of 1,000, an import of many connections, which updates a dozen indexes per row, checkpoints at every
  // second commit: it took 50% longer, and the event loop was blocked for longer.
  ['wal_autocheckpoint', '4000', 4000],
  // Pages for the rollback of a savepoint. In a file, they doubled what a batch wrote, and put rows outside of the folder.
  ['temp_store', 'MEMORY', 2],
  // In KiB, negative. SQLite's default of 2 MB is less than one level of the indexes of 100,000 connections.
  ['cache_size', '-32768', -32768],
  // After journal_mode: this build of SQLite sets NORMAL with WAL, and a commit would not be durable.
  ['synchronous', 'FULL', 2],
];

function configure(client: SqliteConnection.Database, file: string): void {
  for (const [name, value, expected] of SETTINGS) {
    // Writing the same id again would change the file. The other settings are always written, because a default may still change.
    if (name === 'application_id' && client.pragma(name, { simple: true }) === expected) continue;
    client.pragma(`${name} = ${value}`);
  }
  assertSettings(client, file);
}

/** Reads the settings back, because SQLite ignores unknown or rejected ones silently, and changes some later. */
function assertSettings(client: SqliteConnection.Database, file: string): void {
  for (const [name, value, expected] of SETTINGS) {
    const wanted = name === 'journal_mode' && file === MEMORY ? 'memory' : expected;
    if (client.pragma(name, { simple: true }) === wanted) continue;
    throw unusable(file, 'settings', `rejects the setting ${name} = ${value}. Use a local disk`);
  }
  if (Number(client.pragma('busy_timeout', { simple: true })) > BUSY_TIMEOUT) {
    throw unusable(file, 'settings', `rejects the setting busy_timeout = ${BUSY_TIMEOUT}. Use a local disk`);
  }
}
