import { beforeEach, expect, test } from 'vitest';
import { ADA, GRACE, type Replicas, startReplicas } from './replicas.ts';

let replicas: Replicas;
beforeEach(async () => {
  // Asynchronous commits stay in memory until another commit is durable.
  replicas = await startReplicas({ count: 2, server: { wal_writer_delay: '10s', autovacuum: 'off' } });
  await replicas.register();
  return () => replicas.close();
});

const leaseOwners = () => replicas.query<{ owner: string | null }>('SELECT lease_owner AS owner FROM connections');

test.each([
  ['lost', async () => {}],
  // A durable commit writes all that was committed before.
  ['kept', () => replicas.query('CREATE TABLE durable ()')],
])('an exchange whose lease a crash of the server has %s does not replace a new grant', async (fate, commit) => {
  const connection = await replicas.connect('mailbox', ADA);
  const request = { connection, scopes: ['Mail.ReadOnly'] };
  const [first, second] = replicas.all;
  // Stopped replicas commit nothing else.
  second?.program.child.kill('SIGSTOP');
  const gate = replicas.sandbox.holdNextToken();
  const served = first?.clients.tokens.getAccessToken(request);
  await gate.arrived;
  first?.program.child.kill('SIGSTOP');
  expect((await leaseOwners())[0]?.owner).not.toBeNull();
  await commit();
  await replicas.server.stop('SIGQUIT');
  await replicas.server.restart();
  expect((await leaseOwners())[0]?.owner === null).toBe(fate === 'lost');

  for (const { program } of replicas.all) program.child.kill('SIGCONT');
  await replicas.connect('mailbox', GRACE, second);
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
