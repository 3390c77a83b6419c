import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { LEASE_NAME } from '../../src/key_rotation/reseal_values.ts';
import * as reader from '../store/independent_reader.ts';
import { type Replica, type Replicas, startReplicas } from './replicas.ts';
import type { VaultProcess } from './vault_process.ts';

const TENANT = 'tenants/acme';

let replicas: Replicas;
let stopped: Replica<VaultProcess>;
let other: Replica<VaultProcess>;
beforeAll(async () => {
  replicas = await startReplicas({ count: 0, environment: { DATABASE_PREPARE: 'named' } });
  [stopped, other] = await Promise.all([replicas.startDoomed(), replicas.startDoomed()]);
  await replicas.register(other);
});
afterAll(() => replicas.close());

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}

const sealedVersions = async () => {
  const rows = await replicas.query<Record<'refresh_token' | 'previous_refresh_token' | 'token', Buffer>>(
    'SELECT refresh_token, previous_refresh_token, token FROM connections JOIN access_tokens ON connection_uid = uid',
  );
  return rows.flatMap((row) => Object.values(row).map(reader.versionOf));
};

test('a replica that is stopped between sealing and its commit, during a whole rotation, seals again', async () => {
  const connection = await replicas.connect('ada', undefined, other);
  const request = { connection, scopes: ['Mail.ReadOnly'] };
  const olderVersions = async () =>
    (await other.clients.keys.getTenantKey({ tenant: TENANT })).tenantKey?.olderVersions;
  // The values are sealed; none of the statements that write them was sent.
  await stopped.program.arm('sql:accessTokens.upsert', 'SIGSTOP');
  const first = stopped.clients.tokens.getAccessToken(request, { timeout: 60_000 });
  await vi.waitFor(() => expect(isStopped(stopped.program.pid)).toBe(true), { timeout: 30_000 });

  await other.clients.keys.rotateTenantKey({ tenant: TENANT });
  // The stopped replica may hold the lease.
  await replicas.query(`UPDATE leases SET until = 0 WHERE name = '${LEASE_NAME}'`);
  await other.program.round();
  await expect.poll(olderVersions, { timeout: 30_000 }).toEqual([]);

  stopped.program.kill('SIGCONT');
  expect((await first).accessToken).not.toBe('');
  expect(await sealedVersions()).toEqual([2, 2, 2]);
  await replicas.expire();
  await other.clients.tokens.getAccessToken(request);
  const [lost, next] = replicas.exchanges();
  expect(next?.presentedRefreshTokenId).toBe(lost?.issuedRefreshTokenId);
});
