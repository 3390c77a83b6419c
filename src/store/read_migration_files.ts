import { fileURLToPath } from 'node:url';
import { readMigrationFiles } from 'drizzle-orm/migrator';

export interface Migration {
  /** When drizzle-kit generated it; identifies the migration. */
  readonly time: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

/** The generated migrations of a dialect, oldest first. */
export function readMigrations(dialect: 'sqlite' | 'postgres'): readonly Migration[] {
  const folder = fileURLToPath(new URL(`../../drizzle/${dialect}`, import.meta.url));
  return readMigrationFiles({ migrationsFolder: folder }).map(({ sql, folderMillis, hash }) => ({
    time: folderMillis,
    hash,
    statements: sql,
  }));
}
