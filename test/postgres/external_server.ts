import { randomBytes } from 'node:crypto';
import pg from 'pg';
import type { PostgresServer } from './postgres_server.ts';

/** A server that tests did not start. Its role must be allowed to create databases, and needs no password. */
export type ExternalServer = Pick<PostgresServer, 'major' | 'createDatabase' | 'close'>;

/** As the vault requires of its role; https://www.postgresql.org/docs/current/sql-alterdatabase.html */
const TIMEOUTS = {
  statement_timeout: '10s',
  lock_timeout: '5s',
  idle_in_transaction_session_timeout: '10s',
};

/** `url` names a database of the server, of which nothing is changed. */
export async function connectToServer(url: string): Promise<ExternalServer> {
  // Several test runs may use the server at the same time.
  const prefix = `vault_test_${randomBytes(4).toString('hex')}`;
  const created: string[] = [];

  async function run<Row extends pg.QueryResultRow>(...statements: readonly string[]): Promise<Row[]> {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      let rows: Row[] = [];
      for (const statement of statements) rows = (await client.query<Row>(statement)).rows;
      return rows;
    } finally {
      await client.end();
    }
  }

  const [version] = await run<{ server_version_num: string }>('SHOW server_version_num');
  return {
    major: Math.floor(Number(version?.server_version_num) / 10_000),
    async createDatabase(template = 'template0') {
      const name = `${prefix}_${created.length + 1}`;
      created.push(name);
      // Of the database and not of the role, which belongs to somebody else.
      const settings = Object.entries(TIMEOUTS).map(([key, value]) => `ALTER DATABASE ${name} SET ${key} = '${value}'`);
      await run(`CREATE DATABASE ${name} TEMPLATE ${template}`, ...settings);
      const database = new URL(url);
      database.pathname = `/${name}`;
      return database.href;
    },
    close: async () => void (await run(...created.map((name) => `DROP DATABASE IF EXISTS ${name} WITH (FORCE)`))),
  };
}
