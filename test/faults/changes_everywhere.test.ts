import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { ImportConnectionRequest_Verify } from '../../src/gen/tokenvault/v1/connection_service_pb.ts';
import type { PostgresServer } from '../postgres/postgres_server.ts';
import { importAda, onboard } from '../scenarios/onboard.ts';
import { type Clients, reasonOf } from '../scenarios/start_scenario.ts';
import { type Replicas, startReplicas } from './replicas.ts';

/** What docs/production.md promises is a second; the bound allows for a machine that is busy. */
const BOUND = 5_000;
/** In the long mode, the author's call fails before the commit that it waits for. */
const HOLD = process.env['REPLICAS'] === 'long' ? 60_000 : 0;

let replicas: Replicas;
let standby: PostgresServer;
let author: Clients;
/** By how they learn of changes. */
let others: Readonly<Record<string, Clients>>;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  standby = await replicas.server.createStandby();
  const [one, listening, polling] = await Promise.all([
    replicas.start(),
    replicas.start(),
    replicas.start({ DATABASE_LISTEN_URL: 'postgres://vault@127.0.0.1:1/unreachable' }),
  ]);
  author = one.clients;
  others = { LISTEN: listening.clients, polling: polling.clients };
});
afterAll(async () => {
  await replicas.close();
  await standby.close();
});

let tenants = 0;
async function newTenant(secret?: string) {
  const scenario = { ...author, sandbox: replicas.sandbox, callbackUri: 'http://127.0.0.1/callback' };
  const app = secret === undefined ? {} : { credential: { case: 'clientSecret', value: secret } as const };
  const tenant = await onboard(scenario, `tenant-${++tenants}`, { app });
  const connection = await importAda(scenario, tenant, 'ada', { verify: ImportConnectionRequest_Verify.ON_FIRST_USE });
  const ask = ({ tokens }: Clients) => reasonOf(tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }));
  return { tenant, connection, ask, all: (reason: string) => expectAll(ask, reason) };
}

async function expectAll(ask: (clients: Clients) => Promise<string>, reason: string): Promise<void> {
  for (const clients of Object.values(others)) expect(await ask(clients)).toBe(reason);
}

/** Until all other replicas answer so, since the change returned. */
async function effectIsSeen(what: string, ask: (clients: Clients) => Promise<string>, reason: string): Promise<void> {
  const start = performance.now();
  await Promise.all(
    Object.entries(others).map(async ([how, clients]) => {
      await vi.waitFor(async () => expect(await ask(clients)).toBe(reason), { timeout: 30_000, interval: 20 });
      const elapsed = performance.now() - start;
      console.log(`${what} is effective by ${how} after ${Math.round(elapsed)} ms`);
      expect(elapsed).toBeLessThan(BOUND);
    }),
  );
}

/** A transaction that has nothing to do with the vault, and hinders vacuum and snapshots of the server. */
async function openTransaction(): Promise<void> {
  const database = new URL(replicas.databaseUrl).pathname.slice(1);
  const client = new pg.Client({ host: '127.0.0.1', port: replicas.server.port, user: 'postgres', database });
  await client.connect();
  onTestFinished(() => client.end());
  await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; CREATE TABLE unrelated (one int)');
}

const CONDITIONS: readonly (readonly [string, () => Promise<void>])[] = [
  ['', async () => {}],
  [' while an unrelated transaction is open', openTransaction],
];

for (const [condition, prepare] of CONDITIONS) {
  test(`SuspendConnection is effective on all replicas${condition}`, async () => {
    await prepare();
    const { connection, ask, all } = await newTenant();
    await all('OK');

    await author.connections.suspendConnection({ name: connection });

    await effectIsSeen('SuspendConnection', ask, 'CONNECTION_SUSPENDED');
    await author.connections.resumeConnection({ name: connection });
    await effectIsSeen('ResumeConnection', ask, 'OK');
  });

  test(`DeleteTenant is effective on all replicas${condition}`, async () => {
    await prepare();
    const { tenant, ask, all } = await newTenant();
    await all('OK');
    const { tenant: read } = await author.tenants.getTenant({ name: tenant.name });

    await author.tenants.deleteTenant({ name: tenant.name, etag: read?.etag ?? '', force: true });

    await effectIsSeen('DeleteTenant', ask, 'TENANT_NOT_FOUND');
  });

  test(`AddCredential is effective on all replicas${condition}`, async () => {
    await prepare();
    const { tenant, ask, all } = await newTenant('wrong');
    await all('APP_CREDENTIAL_PROPAGATING');

    const credential = { material: { case: 'clientSecret', value: tenant.secret } as const };
    await author.apps.addCredential({ parent: tenant.app, credentialId: 'second', credential });

    await effectIsSeen('AddCredential', ask, 'OK');
  });
}

test('a change whose commit waits for a paused standby is effective once the standby continues', async () => {
  const { connection, ask, all } = await newTenant();
  await all('OK');
  await replicas.server.query("ALTER SYSTEM SET synchronous_standby_names = 'standby'");
  await replicas.server.query('SELECT pg_reload_conf()');
  onTestFinished(async () => {
    await replicas.server.query('ALTER SYSTEM RESET synchronous_standby_names');
    await replicas.server.query('SELECT pg_reload_conf()');
  });
  await vi.waitFor(async () => {
    const [row] = await replicas.server.query<{ state: string }>('SELECT sync_state AS state FROM pg_stat_replication');
    expect(row?.state).toBe('sync');
  });

  standby.pause();
  let isSettled = false;
  const suspension = reasonOf(author.connections.suspendConnection({ name: connection }));
  void suspension.then(() => {
    isSettled = true;
  });
  await vi.waitFor(async () => {
    const waiting = await replicas.server.query("SELECT 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'");
    expect(waiting).not.toEqual([]);
  });
  await all('OK');
  expect(isSettled).toBe(false);

  await delay(HOLD);
  await all('OK');
  standby.resume();
  expect(await suspension).toBe(HOLD === 0 ? 'OK' : 'DATABASE_UNAVAILABLE');
  await effectIsSeen('SuspendConnection', ask, 'CONNECTION_SUSPENDED');
});
