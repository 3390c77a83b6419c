import { getTableName } from 'drizzle-orm';
import pg from 'pg';
import * as schema from '../../src/store/postgres/schema.ts';
import type { PostgresServer } from '../postgres/postgres_server.ts';

/** Databases with the current schema, emptied and reused, because creating one takes longer than most tests. */
export interface ReusedDatabases {
  /** The URL of a database as after the migration. */
  take(): Promise<string>;
  /** Empties all that were taken. No client may be connected to them any more. */
  giveBack(): Promise<void>;
}

/** `migrated` is the URL of a database to copy. */
export async function createReusedDatabases(
  server: Pick<PostgresServer, 'createDatabase'>,
  migrated: string,
): Promise<ReusedDatabases> {
  const emptying = await emptyingStatements(migrated);
  const free: string[] = [];
  const taken: string[] = [];
  return {
    async take() {
      const url = free.pop() ?? (await server.createDatabase(new URL(migrated).pathname.slice(1)));
      taken.push(url);
      return url;
    },
    async giveBack() {
      const used = taken.splice(0);
      await Promise.all(used.map((url) => withClient(url, (client) => client.query(emptying))));
      free.push(...used);
    },
  };
}

/** SQL that deletes all rows but those that the migrations insert. TRUNCATE takes a hundred times as long. */
async function emptyingStatements(url: string): Promise<string> {
  // Rows that refer to others come first.
  const tables = Object.values(schema).map(getTableName).reverse();
  return withClient(url, async (client) => {
    const statements = tables.map((name) => `DELETE FROM ${name}`);
    const { rows: sequences } = await client.query<{ name: string }>('SELECT sequencename AS name FROM pg_sequences');
    for (const { name } of sequences) statements.push(`ALTER SEQUENCE ${name} RESTART`);
    for (const name of tables) {
      const { rows } = await client.query<{ rows: unknown }>(`SELECT json_agg(t) AS rows FROM ${name} AS t`);
      const initial = rows[0]?.rows;
      if (initial === null || initial === undefined) continue;
      const json = pg.escapeLiteral(JSON.stringify(initial));
      statements.push(`INSERT INTO ${name} SELECT * FROM json_populate_recordset(NULL::${name}, ${json})`);
    }
    return statements.join('; ');
  });
}

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}
