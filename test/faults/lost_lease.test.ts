import { beforeEach, expect, test } from 'vitest';
import type { PostgresServer } from '../postgres/postgres_server.ts';
import { retried } from './calls.ts';
import { ADA, bothHosts, GRACE, type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
let standby: PostgresServer;
beforeEach(async () => {
  // Asynchronous commits stay in memory until another commit is durable, and a standby receives only what is durable.
  replicas = await startReplicas({ count: 0, server: { wal_writer_delay: '10s', autovacuum: 'off' } });
  standby = await replicas.server.createStandby();
  const url = bothHosts(replicas, standby);
  await Promise.all([1, 2].map(() => replicas.start({ DATABASE_URL: url })));
  await replicas.register();
  return async () => {
    await replicas.close();
    await standby.close();
  };
});

async function leaseOwner(server: PostgresServer): Promise<string | null | undefined> {
  const database = new URL(replicas.databaseUrl).pathname.slice(1);
  const [row] = await server.query<{ owner: string | null }>('SELECT lease_owner AS owner FROM connections', database);
  return row?.owner;
}

/** Returns the server that accepts writes afterwards. */
const FAULTS = {
  async crash() {
    await replicas.server.stop('SIGQUIT');
    await replicas.server.restart();
    return replicas.server;
  },
  async failover() {
    await replicas.server.stop('SIGQUIT');
    await standby.promote();
    return standby;
  },
};

test.each([
  ['crash', 'lost'],
  ['crash', 'kept'],
  ['failover', 'lost'],
] as const)('an exchange whose lease a %s of the server has %s does not replace a new grant', async (fault, fate) => {
  const connection = await replicas.connect('mailbox', ADA);
  await expect.poll(() => leaseOwner(standby), { timeout: 30_000 }).toBeNull();
  const request = { connection, scopes: ['Mail.ReadOnly'] };
  const [first, second] = replicas.all;
  // Stopped replicas commit nothing else.
  second?.program.child.kill('SIGSTOP');
  const gate = replicas.sandbox.holdNextToken();
  const served = first?.clients.tokens.getAccessToken(request);
  await gate.arrived;
  first?.program.child.kill('SIGSTOP');
  expect(await leaseOwner(replicas.server)).not.toBeNull();
  // A durable commit writes all that was committed before.
  if (fate === 'kept') await replicas.query('CREATE TABLE durable ()');
  const primary = await FAULTS[fault]();
  expect((await leaseOwner(primary)) === null).toBe(fate === 'lost');

  for (const { program } of replicas.all) program.child.kill('SIGCONT');
  await retried(() => replicas.connect('mailbox', GRACE, second));
  gate.release();

  // The first exchange was fenced: its caller is served from the new grant.
  const { accessToken } = (await served) ?? {};
  expect(await usernameOf(accessToken)).toBe(GRACE);
  const usernames = replicas.exchanges().map(({ username }) => username);
  expect(usernames).toEqual([ADA, GRACE]);
  await replicas.expire();
  const later = await second?.clients.tokens.getAccessToken(request);
  expect(await usernameOf(later?.accessToken)).toBe(GRACE);
});

async function usernameOf(accessToken: string | undefined): Promise<string> {
  const headers = { authorization: `Bearer ${accessToken}` };
  const response = await fetch(`${replicas.sandbox.url}/graph/v1.0/me`, { headers });
  return ((await response.json()) as { userPrincipalName: string }).userPrincipalName;
}
