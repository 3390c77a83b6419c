import { fileURLToPath } from 'node:url';
import type SqliteConnection from 'better-sqlite3';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import { numberEpoch } from './begin_wal_epoch.ts';

export interface Migration {
  /** When drizzle-kit generated it; identifies the migration. */
  readonly time: number;
  readonly hash: string;
  readonly statements: readonly string[];
}

export const MIGRATIONS_TABLE = 'migrations';

const FOLDER = fileURLToPath(new URL('../../../drizzle/sqlite', import.meta.url));

/** The generated migrations, oldest first. */
export function readMigrations(folder: string = FOLDER): readonly Migration[] {
  return readMigrationFiles({ migrationsFolder: folder }).map(({ sql, folderMillis, hash }) => ({
    time: folderMillis,
    hash,
    statements: sql,
  }));
}

/** Applies missing migrations in one transaction. drizzle's own migrator creates its table outside of the transaction, and other programs use the same table. */
export function migrate(client: SqliteConnection.Database, migrations: readonly Migration[]): void {
  client
    .transaction(() => {
      client.exec(
        `CREATE TABLE IF NOT EXISTS ${MIGRATIONS_TABLE} (created_at INTEGER PRIMARY KEY, hash TEXT NOT NULL)`,
      );
      const applied = new Set(client.prepare(`SELECT created_at FROM ${MIGRATIONS_TABLE}`).pluck().all());
      if (migrations.some(({ time }) => !applied.has(time))) numberEpoch(client);
      const remember = client.prepare(`INSERT INTO ${MIGRATIONS_TABLE} (created_at, hash) VALUES (?, ?)`);
      for (const { time, hash, statements } of migrations) {
        if (applied.has(time)) continue;
        for (const statement of statements) client.exec(statement);
        remember.run(time, hash);
      }
    })
    .immediate();
}
