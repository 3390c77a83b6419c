import { isVaultError } from '../model/errors.ts';
import type { Database } from './database_interface.ts';
import { openPostgres } from './postgres/open_postgres.ts';
import type { PostgresSettings } from './postgres/postgres_settings.ts';
import { openSqliteReadonly } from './sqlite/open_sqlite_readonly.ts';

export interface ReadonlyDatabase {
  readonly database: Database;
  /** Migrations that a start of the vault would apply. */
  readonly missingMigrations: number;
}

/**
 * Opens a database without changing it, also while a vault serves it. Undefined: it is a file that does not exist yet, or a database on
 * PostgreSQL that lacks migrations. DATABASE_UNAVAILABLE.
 */
export async function openDatabaseReadonly(
  url: string,
  postgres: PostgresSettings,
): Promise<ReadonlyDatabase | undefined> {
  const path = /^sqlite:(.+)$/.exec(url)?.[1];
  return path === undefined ? openServer(url, postgres) : openSqliteReadonly(path);
}

async function openServer(url: string, settings: PostgresSettings): Promise<ReadonlyDatabase | undefined> {
  try {
    return { database: await openPostgres({ ...settings, url, migrate: false }), missingMigrations: 0 };
  } catch (error) {
    if (isVaultError(error) && error.metadata['fault'] === 'not_migrated' && settings.migrate !== false)
      return undefined;
    throw error;
  }
}
