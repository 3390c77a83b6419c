import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PostgresServer } from '../postgres/postgres_server.ts';
import { endOfProgram, type VaultProgram } from '../scenarios/vault_program.ts';
import { startCallers } from './calls.ts';
import { bothHosts, type Replica, type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
let primary: PostgresServer;
let standby: PostgresServer;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0 });
  primary = replicas.server;
  standby = await primary.createStandby();
});
afterAll(async () => {
  await replicas.close();
  await standby.close();
});

const vaultConnections = ({ query }: PostgresServer) =>
  query("SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'token-vault%'");

test('a standby alone is refused at the start, with the next step', async () => {
  const url = replicas.databaseUrl.replace(`:${primary.port}`, `:${standby.port}`);

  const exit = await endOfProgram(tmpdir(), { DATABASE_URL: url, SANDBOX: replicas.sandbox.url, AUDIT_FILE: '-' });

  expect(exit).toMatchObject({
    code: 75,
    stderr: expect.stringContaining('Name the primary in TOKENVAULT_DATABASE_URL'),
  });
});

test('writes return by themselves after a failover, and none goes to the old primary', async () => {
  const started = await Promise.all([1, 2].map(() => replicas.start({ DATABASE_URL: bothHosts(replicas, standby) })));
  await replicas.register();
  const connection = await replicas.connect('ada');
  const ask = ({ clients }: Replica<VaultProgram>) =>
    clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
  await Promise.all(started.map(ask));
  let turn = 0;
  const next = () => started[turn++ % started.length] as Replica<VaultProgram>;
  const readers = startCallers(4, () => ask(next()));
  const writers = startCallers(4, () => replicas.connect(`written-${turn}`, undefined, next()));
  await writers.more(10, 'OK');

  await primary.stop('SIGKILL');
  // The standby responds meanwhile, but accepts no writes.
  await writers.more(10, 'DATABASE_UNAVAILABLE');
  await standby.promote();
  await writers.more(20, 'OK');

  primary.follow(standby);
  await primary.restart();
  await writers.more(50);
  expect(await vaultConnections(primary)).toEqual([]);
  expect(await vaultConnections(standby)).not.toEqual([]);
  const failuresBefore = writers.outcomes['DATABASE_UNAVAILABLE'];
  await writers.more(50, 'OK');
  expect(await writers.stop()).toEqual({ OK: expect.any(Number), DATABASE_UNAVAILABLE: failuresBefore });
  expect(Object.keys(await readers.stop())).toEqual(['OK']);
});
