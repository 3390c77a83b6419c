import type { Database } from '../database_interface.ts';
import { type Migration, readMigrations } from '../read_migration_files.ts';
import { checkExists } from './inspect_database_file.ts';
import { MIGRATIONS_TABLE } from './migrations.ts';
import { openFileReadonly } from './open_file_readonly.ts';
import { createSqliteDatabase } from './sqlite_database.ts';

export interface ReadonlySqlite {
  /** Its statements fail if it lacks a migration that they need; those that write always fail. */
  readonly database: Database;
  /** Migrations that the program has and the file lacks. */
  readonly missingMigrations: number;
}

/** Opens a database without its lock and without changing the file, also while a vault serves it. DATABASE_UNAVAILABLE. */
export function openSqliteReadonly(
  path: string,
  migrations: readonly Migration[] = readMigrations('sqlite'),
): ReadonlySqlite {
  const file = checkExists(path, migrations);
  const client = openFileReadonly(file);
  const files = {
    place: undefined,
    verify() {},
    beforeWrite() {},
    truncateLog: () => true,
    close: () => client.close(),
  };
  const applied = client.prepare(`SELECT count(*) FROM ${MIGRATIONS_TABLE}`).pluck().get();
  return {
    database: createSqliteDatabase({ client, files, isEmpty: false, meter: undefined, onClose() {} }),
    missingMigrations: migrations.length - Number(applied),
  };
}
