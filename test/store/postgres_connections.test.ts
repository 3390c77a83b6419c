import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { parsePostgresUrl } from '../../src/store/postgres/parse_postgres_url.ts';
import { createPostgresConnections } from '../../src/store/postgres/postgres_connections.ts';
import { type PostgresServer, startPostgres } from '../postgres/postgres_server.ts';

let server: PostgresServer;
let database: string;
beforeAll(async () => {
  server = await startPostgres();
  database = await server.createDatabase();
});
afterAll(() => server.close());

function connectTo(url: string) {
  const connections = createPostgresConnections({
    url: parsePostgresUrl(url),
    password: () => undefined,
    ca: undefined,
    poolSize: 3,
    applicationName: 'test',
  });
  onTestFinished(() => connections.close());
  return connections;
}

/** A server that ends each connection at once, and counts how many were open at the same time. */
async function startRefusing() {
  let open = 0;
  const seen = { total: 0, most: 0 };
  const refusing = createServer((socket: Socket) => {
    seen.total += 1;
    seen.most = Math.max(seen.most, ++open);
    socket.on('error', () => {});
    socket.on('close', () => open--);
    socket.once('data', () => socket.end());
  }).listen(0, '127.0.0.1');
  await once(refusing, 'listening');
  onTestFinished(() => void refusing.close());
  return { port: (refusing.address() as AddressInfo).port, seen };
}

test('while no host accepts writes, one search at a time runs, and each failed call repeats it', async () => {
  const first = await startRefusing();
  const second = await startRefusing();
  const { use } = connectTo(`postgres://vault@127.0.0.1:${first.port},127.0.0.1:${second.port}/vault`);
  const call = () => use((client) => client.query('SELECT 1'));

  for (let round = 0; round < 3; round++) await Promise.allSettled(Array.from({ length: 20 }, call));

  expect(second.seen.most).toBe(1);
  expect(second.seen.total).toBeGreaterThan(1);
});

test('after a failed call, the next one uses the host that accepts writes', async () => {
  const refusing = await startRefusing();
  const { use } = connectTo(database.replace('127.0.0.1', `127.0.0.1:${refusing.port},127.0.0.1`));
  const call = () => use((client) => client.query('SELECT 1 AS one'));

  await expect(call()).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });

  expect((await call()).rows).toEqual([{ one: 1 }]);
});

test('a connection that turns out to be read-only is not used again', async () => {
  const { use } = connectTo(database.replace('127.0.0.1', `127.0.0.1:1,127.0.0.1`));
  const pid = async () => (await use((client) => client.query('SELECT pg_backend_pid() AS pid'))).rows[0]?.pid;
  await pid().catch(() => {});
  const before = await pid();
  expect(await pid()).toBe(before);

  const write = use((client) => client.query('BEGIN READ ONLY; CREATE TABLE written (one int)'));

  await expect(write).rejects.toMatchObject({ code: '25006' });
  expect(await pid()).not.toBe(before);
});

test('a call that gets no connection of the pool in time fails, and names the pool', async () => {
  const { use } = connectTo(database);
  const release = Promise.withResolvers<void>();
  const holders = Array.from({ length: 3 }, () => use(() => release.promise));

  await expect(use((client) => client.query('SELECT 1'))).rejects.toMatchObject({
    reason: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining('TOKENVAULT_DATABASE_POOL'),
    metadata: { fault: 'pool_exhausted' },
  });

  release.resolve();
  await Promise.all(holders);
  expect((await use((client) => client.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }]);
});

test('a connection that is lost while it is in use fails its call only', async () => {
  const { use } = connectTo(database);
  const lost = use(async (client) => {
    const { rows } = await client.query('SELECT pg_backend_pid() AS pid');
    const ended = new Promise((resolve) => client.once('end', resolve));
    await server.query(`SELECT pg_terminate_backend(${rows[0]?.pid})`);
    await ended;
    return client.query('SELECT 1');
  });

  await expect(lost).rejects.toMatchObject({ reason: 'DATABASE_UNAVAILABLE' });
  expect((await use((client) => client.query('SELECT 1 AS one'))).rows).toEqual([{ one: 1 }]);
});
