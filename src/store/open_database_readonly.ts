import { resolve } from 'node:path';
import { fieldInvalid } from '../model/errors.ts';
import type { Database } from './database_interface.ts';
import { readMigrations } from './read_migration_files.ts';
import { inspectFile } from './sqlite/inspect_database_file.ts';
import { openSqliteReadonly } from './sqlite/open_sqlite_readonly.ts';

export interface ReadonlyDatabase {
  readonly database: Database;
  /** Migrations that a start of the vault would apply. */
  readonly missingMigrations: number;
}

/**
 * Opens a database without changing it, also while a vault serves it. Undefined: it does not exist yet, and a start of the vault would
 * create it. DATABASE_UNAVAILABLE.
 */
export async function openDatabaseReadonly(url: string): Promise<ReadonlyDatabase | undefined> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  if (path === undefined) throw fieldInvalid('TOKENVAULT_DATABASE_URL', 'must be sqlite:PATH.');
  const migrations = readMigrations('sqlite');
  return inspectFile(resolve(path.trim()), migrations) === 'new' ? undefined : openSqliteReadonly(path, migrations);
}
