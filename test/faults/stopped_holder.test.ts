import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { metricOf, type Replica, type Replicas, startReplicas } from './replicas.ts';
import type { VaultProcess } from './vault_process.ts';

let replicas: Replicas;
let holder: Replica<VaultProcess>;
beforeAll(async () => {
  replicas = await startReplicas({ count: 1 });
  holder = await replicas.startDoomed();
  await replicas.register();
});
afterAll(() => replicas.close());

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

test('a replica that is stopped past its lease changes nothing when it continues', async () => {
  const connection = await replicas.connect('ada');
  const request = { connection, scopes: ['Mail.ReadOnly'] };
  const [other] = replicas.all;
  await holder.program.arm('after_entra', 'SIGSTOP');
  const first = holder.clients.tokens.getAccessToken(request);
  await vi.waitFor(() => expect(isStopped(holder.program.pid)).toBe(true), { timeout: 30_000 });

  const second = await other?.clients.tokens.getAccessToken(request, { timeout: 15_000 });
  const [lost, kept] = replicas.exchanges();
  expect(lost?.presentedRefreshTokenId).toBe(kept?.presentedRefreshTokenId);
  const stored = await storedGrant();

  holder.program.kill('SIGCONT');
  expect((await first).accessToken).toBe(second?.accessToken);
  expect(await metricOf(holder.program, 'tokenvault_refresh_fenced_total')).toBe(1);
  expect(await storedGrant()).toEqual(stored);

  await replicas.expire();
  await holder.clients.tokens.getAccessToken(request);
  expect(
    replicas
      .exchanges()
      .map(({ presentedRefreshTokenId }) => presentedRefreshTokenId)
      .slice(2),
  ).toEqual([kept?.issuedRefreshTokenId]);
});

function storedGrant() {
  return replicas.query(
    'SELECT version, lease_id, lease_until, refresh_token, previous_refresh_token FROM connections',
  );
}
