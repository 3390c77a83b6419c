import type SqliteConnection from 'better-sqlite3';
import type { Migration } from '../read_migration_files.ts';
import { numberEpoch } from './stamp_file_and_wal_epoch.ts';

export const MIGRATIONS_TABLE = 'migrations';

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
