import type SqliteConnection from 'better-sqlite3';
import type { Database } from '../../src/store/database_interface.ts';

/** The connection behind the face, for settings and plans that no store asks for. */
export async function sqliteClientOf(database: Database): Promise<SqliteConnection.Database> {
  let client: SqliteConnection.Database | undefined;
  await database.select('test', (db) => {
    client = (db as unknown as { $client: SqliteConnection.Database }).$client;
    return db.select().from(database.tables.meta);
  });
  if (client === undefined) throw new Error('no client');
  return client;
}
