import SqliteConnection from 'better-sqlite3';
import pg from 'pg';

/** The limit of the disk: durable commits that change one row, one after the other. */
export interface PlainCommits {
  run(count: number): Promise<void>;
  close(): Promise<void>;
}

const TABLE = 'CREATE TABLE plain (id INTEGER PRIMARY KEY, value TEXT NOT NULL)';
const VALUE = 'x'.repeat(200);

export function plainCommitsOfSqlite(path: string): PlainCommits {
  const database = new SqliteConnection(path);
  database.pragma('journal_mode = WAL');
  database.pragma('synchronous = FULL');
  database.exec(TABLE);
  const insert = database.prepare('INSERT INTO plain (value) VALUES (?)');
  return {
    async run(count) {
      for (let at = 0; at < count; at += 1) insert.run(VALUE);
    },
    async close() {
      database.close();
    },
  };
}

export async function plainCommitsOfPostgres(url: string): Promise<PlainCommits> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(TABLE.replace('INTEGER PRIMARY KEY', 'bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY'));
  return {
    async run(count) {
      for (let at = 0; at < count; at += 1) await client.query('INSERT INTO plain (value) VALUES ($1)', [VALUE]);
    },
    close: () => client.end(),
  };
}
