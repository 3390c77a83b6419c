import { afterEach, beforeEach, expect, test } from 'vitest';
import type { BatchJob } from '../../src/background/batch_job.ts';
import { createPurgeJob } from '../../src/background/purge_expired_rows.ts';
import { hashOneTimeToken } from '../../src/connect/one_time_token.ts';
import { DAY } from '../../src/model/clock.ts';
import { type ConnectWorld, startConnectWorld } from '../connect/connect_world.ts';

let world: ConnectWorld;

beforeEach(async () => {
  world = await startConnectWorld();
});

afterEach(() => world.stop());

async function drain(job: BatchJob): Promise<void> {
  while (await job.batch());
}

test('expired links and responses are deleted, and events after thirty days', async () => {
  await world.register('acme');
  await world.start();
  const { consentUri } = await world.adminConsents.start({ tenantId: 'acme', scopes: [] });
  const clock = world.sandbox.clock;
  const handleHash = hashOneTimeToken(consentUri.split('/').at(-1) ?? '');
  const counts = async () => [
    (await world.stores.adminConsents.findByHandle(handleHash)) === undefined ? 0 : 1,
    (await world.stores.outbox.read(0, 10)).length,
  ];
  const job = createPurgeJob({ stores: world.stores, clock: { now: () => clock.now() } });

  await drain(job);
  expect(await counts()).toEqual([1, 1]);
  clock.advance(8 * DAY);
  await drain(job);
  expect(await counts()).toEqual([0, 1]);
  clock.advance(23 * DAY);
  await drain(job);
  expect(await counts()).toEqual([0, 0]);
});

test('the last use of a credential is kept for longer than a year', async () => {
  const { clock } = world.sandbox;
  await world.stores.usage.record([{ kind: 'credential', caller: 'mail', credentialId: 'k1', time: clock.now() }]);
  const job = createPurgeJob({ stores: world.stores, clock: { now: () => clock.now() } });

  clock.advance(399 * DAY);
  await drain(job);
  expect(await world.stores.usage.credentials()).toHaveLength(1);
  clock.advance(2 * DAY);
  await drain(job);
  expect(await world.stores.usage.credentials()).toEqual([]);
});

test('old rows of each kind are deleted in batches until the last one is gone', async () => {
  const left = { authorizations: [250, 250, 7], adminConsents: [250, 3], outbox: [1_000, 1_000, 12], changes: [1_000] };
  const sweep = (sizes: number[]) => async (_: number, limit: number) => Math.min(sizes.shift() ?? 0, limit);
  const stores = {
    authorizations: { ...world.stores.authorizations, sweep: sweep(left.authorizations) },
    adminConsents: { ...world.stores.adminConsents, sweep: sweep(left.adminConsents) },
    outbox: { ...world.stores.outbox, sweep: sweep(left.outbox) },
    changes: { ...world.stores.changes, sweep: sweep(left.changes) },
    replicas: world.stores.replicas,
    commitIds: world.stores.commitIds,
    usage: world.stores.usage,
  };

  await drain(createPurgeJob({ stores, clock: world.sandbox.clock }));

  expect(left).toEqual({ authorizations: [], adminConsents: [], outbox: [], changes: [] });
});
