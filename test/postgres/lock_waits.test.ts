import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Connection } from '../../src/model/connection.ts';
import { NOW } from '../conformance/sample_rows.ts';
import type { VaultUnderTest } from '../conformance/vault_under_test.ts';
import { openVault } from './open_vault.ts';
import { type PostgresServer, startPostgres } from './postgres_server.ts';

let server: PostgresServer;
let vault: VaultUnderTest;
/** Holds locks. */
let other: pg.Client;
beforeAll(async () => {
  server = await startPostgres();
  const url = await server.createDatabase();
  vault = await openVault(url);
  other = new pg.Client({
    host: '127.0.0.1',
    port: server.port,
    user: 'postgres',
    database: new URL(url).pathname.slice(1),
  });
  await other.connect();
});
afterAll(async () => {
  await other.end();
  await vault.stores.close();
  await server.close();
});

test('the counter of changes is waited for by its own limit, another row by that of the role', async () => {
  const { stores, connection, connect } = vault;
  const locked = await connect('locked');
  // Without a limit for locks, the role's limit for statements ends the wait, with another error.
  await server.query("ALTER ROLE vault SET lock_timeout = 0; ALTER ROLE vault SET statement_timeout = '4s'");
  await server.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'vault'");
  await other.query("BEGIN; UPDATE feed SET position = position WHERE name = 'changes'");
  await other.query('UPDATE connections SET version = version WHERE uid = $1', [locked.uid]);
  const suspend = (one: Connection) => stores.connections.setSuspended(one, NOW, NOW).catch((error) => error);

  const failures = await Promise.all([suspend(connection), suspend(locked)]);

  const unavailable = { reason: 'DATABASE_UNAVAILABLE', retryAfter: 1_000 };
  expect(failures).toMatchObject([
    { ...unavailable, message: expect.stringContaining('a lock in time'), metadata: { fault: '55P03' } },
    { ...unavailable, metadata: { fault: '57014' } },
  ]);
  await other.query('ROLLBACK');
  expect(await suspend(connection)).toMatchObject({ suspendTime: NOW });
});
