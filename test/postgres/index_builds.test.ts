import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { migratePostgres } from '../../src/store/postgres/migrations.ts';
import { connectionsTo } from '../../src/store/postgres/postgres_settings.ts';
import { type Migration, readMigrations } from '../../src/store/read_migration_files.ts';
import { pgBouncerVersion, startPgBouncer } from './pgbouncer.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

const LIMIT = '1s';
const TIMEOUTS = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'transaction_timeout'];
const INDEX = 'tenants_display_name';
const WITH_INDEX: readonly Migration[] = [
  ...readMigrations('postgres'),
  {
    time: Number.MAX_SAFE_INTEGER,
    hash: '',
    statements: [`CREATE INDEX CONCURRENTLY "${INDEX}" ON "tenants" ("display_name")`],
  },
];

const hasPgBouncer = pgBouncerVersion() !== undefined;
if (!hasPgBouncer) console.warn('The package pgbouncer is not installed: the test of builds through it is skipped.');

let server: PostgresServer;
let url: string;
/** A transaction that is older than a build, which waits for its end. */
let older: pg.Client;
beforeAll(async () => {
  server = await startPostgres();
  await server.query(TIMEOUTS.map((name) => `ALTER ROLE vault SET ${name} = '${LIMIT}'`).join('; '));
});
afterAll(() => server.close());
beforeEach(async () => {
  url = await server.createDatabase();
  await migrate(url, readMigrations('postgres'));
  older = new pg.Client({ connectionString: url.replace('vault@', 'postgres@') });
  await older.connect();
  await older.query('BEGIN; LOCK TABLE tenants IN ROW EXCLUSIVE MODE');
  return () => older.end();
});

async function migrate(to: string, migrations: readonly Migration[]): Promise<void> {
  const connections = connectionsTo(to, {});
  try {
    await migratePostgres(connections.connect, migrations);
  } finally {
    await connections.close();
  }
}

/** Settles when a build has waited for longer than the role may. */
function longWait(): Promise<unknown> {
  const waiting = `SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%'
    AND wait_event_type = 'Lock' AND query_start < now() - 2 * interval '${LIMIT}'`;
  return vi.waitUntil(async () => (await server.query(waiting)).length > 0, { timeout: 30_000 });
}

const states = () =>
  server.query(
    `SELECT indisvalid AS valid FROM pg_index WHERE indexrelid = to_regclass('${INDEX}')`,
    new URL(url).pathname.slice(1),
  );

test('the build of an index may take longer than the timeouts of the role', async () => {
  const migrated = migrate(url, WITH_INDEX);
  await Promise.race([longWait(), migrated]);
  await older.query('COMMIT');
  await migrated;

  expect(await states()).toEqual([{ valid: true }]);
});

test('an index whose build was interrupted is built again', async () => {
  const interrupted = expect(migrate(url, WITH_INDEX)).rejects.toThrow('canceling statement due to user request');
  await longWait();
  await server.query(`SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'`);
  await interrupted;
  expect(await states()).toEqual([{ valid: false }]);
  await older.query('COMMIT');

  await migrate(url, WITH_INDEX);

  expect(await states()).toEqual([{ valid: true }]);
});

describe.skipIf(!hasPgBouncer)('through PgBouncer in transaction mode', () => {
  const POOL = 2;

  test('timeouts of the role stay; a build that they end names the command to run', async () => {
    const bouncer = await startPgBouncer(url, POOL);
    const clients = Array.from({ length: POOL }, () => new pg.Client({ connectionString: bouncer.url }));
    try {
      await expect(migrate(bouncer.url, WITH_INDEX)).rejects.toMatchObject({
        reason: 'DATABASE_UNAVAILABLE',
        message: expect.stringContaining('`token-vault database migrate` with the server itself'),
      });
      await older.query('COMMIT');
      await migrate(bouncer.url, WITH_INDEX);
      expect(await states()).toEqual([{ valid: true }]);

      // A transaction each, so that each has a connection of the pool for itself.
      for (const client of clients) {
        await client.connect();
        await client.query('BEGIN');
      }
      for (const client of clients) {
        expect((await client.query('SHOW statement_timeout')).rows).toEqual([{ statement_timeout: LIMIT }]);
        await client.query('ROLLBACK');
      }
    } finally {
      for (const client of clients) await client.end();
      await bouncer.close();
    }
  });
});
