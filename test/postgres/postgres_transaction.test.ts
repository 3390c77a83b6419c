import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { openPostgres } from '../../src/store/postgres/open_postgres.ts';
import { parsePostgresUrl } from '../../src/store/postgres/parse_postgres_url.ts';
import { createPostgresConnections, type PostgresConnections } from '../../src/store/postgres/postgres_connections.ts';
import { StepError } from '../../src/store/postgres/postgres_errors.ts';
import { type PostgresStep, transact } from '../../src/store/postgres/postgres_transaction.ts';
import { type CommitCuttingProxy, CUTS, startCommitCuttingProxy } from './commit_cutting_proxy.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

let server: PostgresServer;
let proxy: CommitCuttingProxy;
let databaseUrl: string;
let connections: PostgresConnections;
/** Another client, directly at the server. */
let other: pg.Client;
beforeAll(async () => {
  server = await startPostgres(18, { deadlock_timeout: '3s' });
  databaseUrl = await server.createDatabase();
  await (await openPostgres({ url: databaseUrl })).close();
  await server.query('CREATE TABLE numbers (id int PRIMARY KEY, value int NOT NULL)', name());
  await server.query('GRANT ALL ON numbers TO vault', name());
});
beforeEach(async () => {
  await server.query('TRUNCATE numbers, commits; INSERT INTO numbers VALUES (1, 0), (2, 0)', name());
  proxy = await startCommitCuttingProxy(server.port);
  connections = pool();
  other = new pg.Client({ host: '127.0.0.1', port: server.port, user: 'postgres', database: name() });
  await other.connect();
});
afterEach(async () => {
  await connections.close();
  await other.end();
  await proxy.close();
});
afterAll(() => server.close());

function name(): string {
  return new URL(databaseUrl).pathname.slice(1);
}

function pool(queryTimeout?: number): PostgresConnections {
  return createPostgresConnections({
    url: parsePostgresUrl(proxy.through(databaseUrl)),
    password: () => undefined,
    ca: undefined,
    poolSize: 2,
    applicationName: 'token-vault/test',
    queryTimeout,
  });
}

function step(text: string, rows?: number): PostgresStep {
  return { name: undefined, text, values: [], rows };
}

const add = (id: number, rows?: number) => step(`UPDATE numbers SET value = value + 1 WHERE id = ${id}`, rows);

async function values(): Promise<number[]> {
  const rows = await server.query<{ value: number }>('SELECT value FROM numbers ORDER BY id', name());
  return rows.map(({ value }) => value);
}

async function untilItWaits(): Promise<void> {
  const waiting =
    "SELECT 1 FROM pg_stat_activity WHERE application_name = 'token-vault/test' AND wait_event_type = 'Lock'";
  await vi.waitFor(async () => expect(await server.query(waiting)).toHaveLength(1), { timeout: 2_500, interval: 10 });
}

test.each(CUTS)('a connection that is cut %s COMMIT arrives changes the rows once', async (how) => {
  proxy.cut(how);

  expect(await transact(connections, [add(1, 1), add(2)])).toEqual({ kind: 'committed', changed: [1, 1] });
  expect(proxy.cuts).toBe(1);
  expect(await values()).toEqual([1, 1]);
});

test('an attempt that the server still has open is waited for, longer than a lock timeout', async () => {
  await server.query("ALTER ROLE vault SET lock_timeout = '200ms'");
  proxy.cut('unnoticed');
  const done = transact(connections, [add(1, 1)]);
  await vi.waitFor(() => expect(proxy.begun).toBe(3), { timeout: 10_000 });
  proxy.endKept();

  expect(await done).toMatchObject({ kind: 'committed' });
  expect(await values()).toEqual([1, 0]);
  await server.query("ALTER ROLE vault SET lock_timeout = '5s'");
});

test('a deadlock is repeated', async () => {
  await other.query("SET deadlock_timeout = '1h'; BEGIN");
  await other.query('UPDATE numbers SET value = 10 WHERE id = 2');
  const done = transact(connections, [add(1, 1), add(2, 1)]);
  await untilItWaits();
  await other.query('UPDATE numbers SET value = 10 WHERE id = 1; COMMIT');

  expect(await done).toMatchObject({ kind: 'committed' });
  expect(await values()).toEqual([11, 11]);
});

test('a serialization failure is repeated', async () => {
  await server.query("ALTER ROLE vault SET default_transaction_isolation = 'repeatable read'");
  await other.query('BEGIN; UPDATE numbers SET value = 10 WHERE id = 1');
  const done = transact(connections, [add(1, 1)]);
  await untilItWaits();
  await other.query('COMMIT');

  expect(await done).toMatchObject({ kind: 'committed' });
  expect(await values()).toEqual([11, 0]);
  await server.query('ALTER ROLE vault RESET default_transaction_isolation');
});

test('a refused step rolls all steps back, and is reported even if a later step fails', async () => {
  const result = await transact(connections, [add(1, 1), add(3, 1), step('SELECT 1 / 0'), add(4, 1)]);

  expect(result).toEqual({ kind: 'refused', index: 1 });
  expect(await values()).toEqual([0, 0]);
});

test('the error of a step rolls all steps back, and names the step', async () => {
  const error = await transact(connections, [add(1, 1), step('SELECT 1 / 0'), add(3, 1)]).catch((thrown) => thrown);

  expect(error).toBeInstanceOf(StepError);
  expect(error).toMatchObject({ index: 1, cause: { code: '22012' } });
  expect(await values()).toEqual([0, 0]);
});

test('a step that a foreign key rejects is reported with the reason of its statement', async () => {
  const database = await openPostgres({ url: databaseUrl });
  onTestFinished(() => database.close());
  const { leases, accessTokens } = database.tables;
  const lease = database.write('lease', (db) =>
    db.insert(leases).values({ name: 'n', owner: 'o', until: 1, epoch: 1 }),
  );
  const orphan = { connectionUid: 'none', resource: 'r', tenantUid: 't', token: Buffer.of(1), expireTime: 1 };
  const token = database.write('token', (db) => db.insert(accessTokens).values(orphan), 'CONNECTION_NOT_FOUND');

  const error = await database.commit(lease.step({}, 1), token.step({}, 1)).catch((thrown) => thrown);
  expect(error).toMatchObject({ reason: 'CONNECTION_NOT_FOUND' });
  expect(await server.query('SELECT 1 FROM leases', name())).toEqual([]);
});

test('a statement without an answer in time ends as DATABASE_UNAVAILABLE, and its connection is discarded', async () => {
  await connections.close();
  connections = pool(300);
  await transact(connections, [add(1, 1)]);
  const before = proxy.opened;
  proxy.stall();

  const error = await connections.use((client) => client.query('SELECT 1')).catch((thrown) => thrown);
  expect(error).toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  await transact(connections, [add(1, 1)]);
  expect(proxy.opened).toBe(before + 1);
  expect(await values()).toEqual([2, 0]);
});
