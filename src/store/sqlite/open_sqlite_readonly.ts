import { existsSync, rmSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Database } from '../database_interface.ts';
import { type Migration, readMigrations } from '../read_migration_files.ts';
import { inspectFile } from './inspect_database_file.ts';
import { lockFile } from './lock_database_file.ts';
import { MIGRATIONS_TABLE } from './migrations.ts';
import { openFileReadonly } from './open_file_readonly.ts';
import { createSqliteDatabase } from './sqlite_database.ts';

export interface ReadonlySqlite {
  /** Its statements fail if it lacks a migration that they need; those that write always fail. */
  readonly database: Database;
  /** Migrations that the program has and the file lacks. */
  readonly missingMigrations: number;
}

/**
 * Opens a database without changing the file, also while a vault serves it. Undefined: it does not exist, or no vault was set up in it.
 * DATABASE_UNAVAILABLE.
 */
export function openSqliteReadonly(
  path: string,
  migrations: readonly Migration[] = readMigrations('sqlite'),
): ReadonlySqlite | undefined {
  const file = resolve(path.trim());
  const hadLog = existsSync(`${file}-wal`);
  if (inspectFile(file, migrations) === 'new') return undefined;
  const client = openFileReadonly(file);
  const files = {
    place: undefined,
    verify() {},
    beforeRead() {},
    beforeWrite() {},
    sync: async () => {},
    truncateLog: () => true,
    close() {
      client.close();
      if (!hadLog) removeEmptyLog(file);
    },
  };
  const applied = client.prepare(`SELECT count(*) FROM ${MIGRATIONS_TABLE}`).pluck().get();
  return {
    database: createSqliteDatabase({ client, files, isEmpty: false, meter: undefined, onClose() {} }),
    missingMigrations: migrations.length - Number(applied),
  };
}

/** SQLite creates an empty log when it reads. With the lock, no vault can start to use it meanwhile. */
function removeEmptyLog(file: string): void {
  // No vault has served the file at this place, and the lock would leave another file.
  if (!existsSync(`${file}.lock`)) return;
  let unlock: () => void;
  try {
    unlock = lockFile(file);
  } catch {
    // A vault has started.
    return;
  }
  try {
    if (statSync(`${file}-wal`, { throwIfNoEntry: false })?.size !== 0) return;
    for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  } finally {
    unlock();
  }
}
