import { expect, test } from 'vitest';
import { createAwaitReplicas } from '../../src/containment/await_replicas.ts';
import type { ListedReplica } from '../../src/store/replication_store_interfaces.ts';

const replica = (name: string, changes: Partial<ListedReplica> = {}): ListedReplica => ({
  uid: name,
  name,
  version: '1',
  startTime: 0,
  feedPosition: 7,
  rootKeyIds: [],
  heartbeatAge: 0,
  enforcesContainments: true,
  ...changes,
});

/** `lists`: what each read of the replicas returns; the last one repeats. */
async function waitFor(...lists: readonly (readonly ListedReplica[])[]) {
  const time = { now: 0 };
  let reads = 0;
  const awaitReplicas = createAwaitReplicas({
    stores: {
      isShared: true,
      changes: { newest: async () => ({ position: 7, uid: 'row' }) } as never,
      replicas: { listLive: async () => lists[Math.min(reads++, lists.length - 1)] ?? [] } as never,
    },
    replica: { uid: 'self', name: 'self' },
    timers: {
      async sleep(duration) {
        time.now += duration;
      },
    },
    monotonicNow: () => time.now,
  });
  const replicas = await awaitReplicas();
  return { applied: Object.fromEntries(replicas.map(({ name, isApplied }) => [name, isApplied])), time };
}

test('it waits until each replica has the position of the change', async () => {
  const late = [replica('self', { feedPosition: 1 }), replica('other', { feedPosition: 6 })];
  const { applied, time } = await waitFor(late, late, [replica('self', { feedPosition: 1 }), replica('other')]);
  expect(applied).toEqual({ self: true, other: true });
  expect(time.now).toBeLessThan(2_000);
});

test('after two seconds a replica that did not apply it is named so', async () => {
  const { applied, time } = await waitFor([replica('self'), replica('other', { feedPosition: 6 })]);
  expect(applied).toEqual({ self: true, other: false });
  expect(time.now).toBe(2_000);
});

test('a replica of an earlier version, which enforces nothing, never counts as applied', async () => {
  const { applied } = await waitFor([replica('self'), replica('old', { enforcesContainments: null })]);
  expect(applied).toEqual({ self: true, old: false });
});
