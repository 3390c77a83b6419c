import { sql } from 'drizzle-orm';
import type { Database } from '../database_interface.ts';
import { migrationName } from '../read_migration_files.ts';
import type { DatabaseFacts } from '../store_interfaces.ts';

const PRODUCTS = { sqlite: 'SQLite', postgres: 'PostgreSQL' } as const;

/** For the status of the vault. */
export function createDatabaseFacts(database: Database): () => Promise<DatabaseFacts> {
  const { kind, productVersion: version } = database.dialect;
  const time = sql<number>`max(created_at)`.mapWith(Number);
  const facts = database.rows('database.facts', (db) => db.select({ version, time }).from(sql`migrations`));

  return async () => {
    const { version = '', time = 0 } = (await facts.first({})) ?? {};
    return { product: PRODUCTS[kind], version, migration: migrationName(kind, time) };
  };
}
