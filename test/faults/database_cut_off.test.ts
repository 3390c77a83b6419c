import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { startTcpProxy, type TcpProxy } from '../postgres/tcp_proxy.ts';
import { failureOf, reasonOf } from '../scenarios/start_scenario.ts';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { startCallers } from './calls.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';

/** Below the deadline that docs/clients.md recommends: the caller shall read the reason. */
const DEADLINE = { timeout: 15_000 };

let replicas: Replicas;
let proxy: TcpProxy;
let cutOff: Replica<VaultProgram>;
let ada: string;
let grace: string;
beforeAll(async () => {
  replicas = await startReplicas({ count: 1 });
  proxy = await startTcpProxy(replicas.server.port);
  const url = new URL(replicas.databaseUrl);
  url.port = String(proxy.port);
  cutOff = await replicas.start({ DATABASE_URL: url.href });
  await replicas.register();
  ada = await replicas.connect('ada');
  grace = await replicas.connect('grace');
});
afterAll(async () => {
  await replicas.close();
  await proxy.close();
});

const readiness = async ({ addresses }: VaultProgram) => (await fetch(`http://${addresses.ops}/readyz`)).status;
const ask = (connection: string, { clients }: Replica<unknown>) =>
  clients.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] }, DEADLINE);

test('a replica without a network to the database serves what it holds, and recovers by itself', async () => {
  const [connected] = replicas.all;
  if (connected === undefined) throw new TypeError('no replica was started');
  await ask(ada, cutOff);
  const readers = startCallers(4, () => ask(ada, cutOff));
  await readers.more(20);

  proxy.cut();
  const failures = await Promise.all([
    failureOf(ask(grace, cutOff)),
    failureOf(replicas.connect('linus', undefined, cutOff)),
    ...Array.from({ length: 30 }, () => failureOf(ask(grace, cutOff))),
  ]);

  for (const failure of failures) {
    expect(failure).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });
    expect(failure?.retryAfter).toBeGreaterThan(0);
  }
  expect(Object.keys(await readers.stop())).toEqual(['OK']);
  expect(await readiness(cutOff.program)).toBe(503);
  expect(await readiness(connected.program)).toBe(200);
  expect(await reasonOf(ask(grace, connected))).toBe('OK');

  await replicas.expire();
  expect(await failureOf(ask(ada, cutOff))).toMatchObject({ code: 'UNAVAILABLE', reason: 'DATABASE_UNAVAILABLE' });

  proxy.heal();
  await vi.waitFor(async () => expect(await readiness(cutOff.program)).toBe(200), { timeout: 30_000 });
  expect(await reasonOf(ask(ada, cutOff))).toBe('OK');
  expect(await reasonOf(ask(grace, cutOff))).toBe('OK');
  expect(await reasonOf(replicas.connect('hopper', undefined, cutOff))).toBe('OK');
});
