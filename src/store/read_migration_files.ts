import { readFileSync } from 'node:fs';
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
  return readMigrationFiles({ migrationsFolder: folderOf(dialect) }).map(({ sql, folderMillis, hash }) => ({
    time: folderMillis,
    hash,
    statements: sql,
  }));
}

/** The name of a migration in its file, such as `0006_replicas`. */
export function migrationName(dialect: 'sqlite' | 'postgres', time: number): string | undefined {
  const journal = readFileSync(`${folderOf(dialect)}/meta/_journal.json`, 'utf8');
  const { entries } = JSON.parse(journal) as { readonly entries: readonly { when: number; tag: string }[] };
  return entries.find(({ when }) => when === time)?.tag;
}

function folderOf(dialect: 'sqlite' | 'postgres'): string {
  return fileURLToPath(new URL(`../../drizzle/${dialect}`, import.meta.url));
}
