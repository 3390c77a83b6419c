import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import type { VaultProgram } from '../scenarios/vault_program.ts';
import { metricOf, type Replicas, startReplicas } from './replicas.ts';

const CALLERS = 500;

let replicas: Replicas;
beforeAll(async () => {
  replicas = await startReplicas({ count: 3 });
  await replicas.register();
});
afterAll(() => replicas.close());

test('500 callers at three replicas cause one exchange, and all receive its token', async () => {
  const connection = await replicas.connect('ada');
  await replicas.expire();
  const gate = replicas.sandbox.holdNextToken();
  const calls = Array.from({ length: CALLERS }, (_, caller) => {
    const clients = replicas.all[caller % replicas.all.length]?.clients;
    return clients?.tokens.getAccessToken({ connection, scopes: ['Mail.ReadOnly'] });
  });
  await gate.arrived;
  // The calls of a replica share one attempt: two replicas have found the lease taken.
  const hasWaited = async (program: VaultProgram) => (await metricOf(program, 'tokenvault_lease_contention_total')) > 0;
  const waiting = async () =>
    (await Promise.all(replicas.all.map(({ program }) => hasWaited(program)))).filter(Boolean);
  await vi.waitFor(async () => expect(await waiting()).toHaveLength(2), { timeout: 30_000 });
  gate.release();
  const served = await Promise.all(calls);

  expect(replicas.exchanges()).toHaveLength(1);
  expect(new Set(served.map((token) => token?.accessToken)).size).toBe(1);
});
