import { describe, expect, test } from 'vitest';
import type { Delivery } from '../../src/model/event_delivery.ts';
import { NOW } from './sample_rows.ts';
import { type Open, present, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function deliveriesConformance(open: Open): void {
  describe('deliveries', () => {
    test('a new sink starts at the end of the outbox at that time', async () => {
      const vault = await startVault(open);
      const { stores, connect } = vault;
      await connect('bob');
      const end = await stores.outbox.last();
      expect(end).toBe(present((await stores.outbox.read(0, 10)).at(-1)).sequence);

      expect(await stores.deliveries.cursor('hook')).toBe(end);
      await connect('eve');
      expect(await stores.deliveries.cursor('hook')).toBe(end);
      expect(await stores.deliveries.cursor('later')).toBe(await stores.outbox.last());
    });

    test('a new sink does not start before events that were deleted', async () => {
      const { stores, tenant } = await startVault(open);
      expect(await stores.outbox.last()).toBe(1);
      await stores.tenants.delete(tenant);

      expect(await stores.outbox.last()).toBe(1);
      expect(await stores.deliveries.cursor('hook')).toBe(1);
    });

    test('routing moves the cursor and creates the deliveries once', async () => {
      const vault = await startVault(open);
      const { stores, connect } = vault;
      const from = await stores.deliveries.cursor('hook');
      await connect('bob');
      await connect('eve');
      const [, bob, eve] = await stores.outbox.read(0, 10);
      const route = { sinkId: 'hook', from, to: present(eve).sequence, sequences: [present(bob).sequence], time: NOW };

      const routed = await Promise.all([stores.deliveries.route(route), stores.deliveries.route(route)]);

      expect(routed.sort()).toEqual([false, true]);
      expect(await stores.deliveries.cursor('hook')).toBe(present(eve).sequence);
      expect(await stores.deliveries.due('hook', NOW, 10)).toEqual([
        {
          ...present(bob),
          sinkId: 'hook',
          attempts: 0,
          lastError: undefined,
          createTime: NOW,
          nextTime: NOW,
          deadLetterTime: undefined,
        },
      ]);
      expect(await stores.deliveries.due('hook', NOW - 1, 10)).toEqual([]);
      expect(await stores.deliveries.due('other', NOW, 10)).toEqual([]);
    });

    test('the cursor moves past events that the sink does not want', async () => {
      const { stores } = await startVault(open);
      await stores.deliveries.cursor('hook');

      expect(await stores.deliveries.route({ sinkId: 'hook', from: 1, to: 7, sequences: [], time: NOW })).toBe(true);
      expect(await stores.deliveries.cursor('hook')).toBe(7);
      expect(await stores.deliveries.route({ sinkId: 'unknown', from: 1, to: 7, sequences: [], time: NOW })).toBe(
        false,
      );
    });

    test('an event that was deleted with its tenant does not block other deliveries', async () => {
      const vault = await startVault(open);
      const { stores, register, connect } = vault;
      const other = await register('other');
      await stores.deliveries.cursor('hook');
      await connect('bob');
      const last = await stores.outbox.last();
      await stores.tenants.delete(other.tenant);

      const gone = last + 100;
      const route = { sinkId: 'hook', from: 1, to: gone, sequences: [gone, last], time: NOW };
      expect(await stores.deliveries.route(route)).toBe(true);

      expect(sequencesOf(await stores.deliveries.due('hook', NOW, 10))).toEqual([last]);
    });

    test('due deliveries are sorted by time and sequence, up to the limit', async () => {
      const vault = await routed(open, 4);
      const { stores, deliveries } = vault;
      await stores.deliveries.postpone({ ...at(deliveries, 0), attempts: 1, lastError: 'HTTP 500' }, NOW + 7);
      await stores.deliveries.postpone({ ...at(deliveries, 2), attempts: 2, lastError: undefined }, NOW - 1);

      expect(await stores.deliveries.due('hook', NOW + 7, 9)).toEqual([
        { ...at(deliveries, 2), attempts: 2, nextTime: NOW - 1 },
        at(deliveries, 1),
        at(deliveries, 3),
        { ...at(deliveries, 0), attempts: 1, lastError: 'HTTP 500', nextTime: NOW + 7 },
      ]);
      expect(await stores.deliveries.due('hook', NOW + 6, 9)).toHaveLength(3);
      expect(await stores.deliveries.due('hook', NOW + 7, 2)).toHaveLength(2);
    });

    test('a delivered event is removed for its sink only', async () => {
      const { stores, deliveries, routeTo } = await routed(open, 2);
      await routeTo('other');

      await stores.deliveries.delivered('hook', at(deliveries, 0).sequence);

      expect(sequencesOf(await stores.deliveries.due('hook', NOW, 9))).toEqual([at(deliveries, 1).sequence]);
      expect(await stores.deliveries.due('other', NOW, 9)).toHaveLength(2);
    });

    test('dead letters are listed until they are redelivered with no attempts counted', async () => {
      const { stores, deliveries, routeTo } = await routed(open, 3);
      await routeTo('also');
      const dead = { ...at(deliveries, 1), attempts: 40, lastError: 'timeout' };
      await stores.deliveries.deadLetter(dead, NOW + 3);
      await stores.deliveries.deadLetter({ ...at(deliveries, 0), attempts: 41, lastError: 'redirect' }, NOW + 4);
      await stores.deliveries.deadLetter({ ...at(deliveries, 0), sinkId: 'also' }, NOW + 5);

      expect(await stores.deliveries.due('hook', NOW + 99, 9)).toEqual([at(deliveries, 2)]);
      const all = await pagesOf(stores, 10, undefined);
      expect(all.map(({ sinkId, sequence }) => [sinkId, sequence])).toEqual([
        ['also', at(deliveries, 0).sequence],
        ['hook', at(deliveries, 0).sequence],
        ['hook', at(deliveries, 1).sequence],
      ]);
      expect(all[2]).toEqual({ ...dead, nextTime: undefined, deadLetterTime: NOW + 3 });
      for (const size of [1, 2]) expect(await pagesOf(stores, size, undefined)).toEqual(all);
      expect(await pagesOf(stores, 1, 'hook')).toEqual(all.slice(1));
      expect(byName(await stores.deliveries.counts())).toEqual({
        'also DEAD_LETTER': 1,
        'also PENDING': 2,
        'hook DEAD_LETTER': 2,
        'hook PENDING': 1,
      });

      expect(await stores.deliveries.redeliver('hook', NOW + 50)).toBe(2);
      expect(await stores.deliveries.redeliver('hook', NOW + 50)).toBe(0);
      expect(await stores.deliveries.due('hook', NOW + 50, 9)).toEqual([
        at(deliveries, 2),
        { ...at(deliveries, 0), createTime: NOW + 50, nextTime: NOW + 50 },
        { ...at(deliveries, 1), createTime: NOW + 50, nextTime: NOW + 50 },
      ]);
      expect(await pagesOf(stores, 9, undefined)).toEqual(all.slice(0, 1));
    });

    test('an event with a pending or dead-lettered delivery is not swept', async () => {
      const { stores, deliveries } = await routed(open, 3);
      await stores.deliveries.deadLetter(at(deliveries, 0), NOW);
      await stores.deliveries.delivered('hook', at(deliveries, 2).sequence);

      // Its own, and the one of the connection that was there before.
      expect(await stores.outbox.sweep(NOW + 1, 100)).toBe(2);

      expect(sequencesOf(await stores.outbox.read(0, 9))).toEqual(sequencesOf(deliveries.slice(0, 2)));
    });

    test('events of a deleted tenant are no longer delivered', async () => {
      const { stores, tenant, dump } = await routed(open, 2);

      await stores.tenants.delete(tenant);

      expect((await dump())['deliveries']).toEqual([]);
      expect(await stores.deliveries.due('hook', NOW, 9)).toEqual([]);
    });
  });
}

/** So many events that wait for the sink `hook`. */
async function routed(open: Open, count: number) {
  const vault = await startVault(open);
  const { stores, connect } = vault;
  const from = await stores.deliveries.cursor('hook');
  await stores.deliveries.cursor('also');
  for (let number = 0; number < count; number++) await connect(`c${number}`);
  const sequences = sequencesOf(await stores.outbox.read(from, 100));
  const routeTo = async (sinkId: string) => {
    const cursor = await stores.deliveries.cursor(sinkId);
    await stores.deliveries.route({ sinkId, from: cursor, to: Math.max(...sequences), sequences, time: NOW });
  };
  await routeTo('hook');
  return { ...vault, routeTo, deliveries: await stores.deliveries.due('hook', NOW, 100) };
}

function at(deliveries: readonly Delivery[], index: number): Delivery {
  return present(deliveries[index]);
}

function sequencesOf(rows: readonly { sequence: number }[]): number[] {
  return rows.map(({ sequence }) => sequence);
}

function byName(counts: readonly { sinkId: string; state: string; count: number }[]): Record<string, number> {
  return Object.fromEntries(counts.map(({ sinkId, state, count }) => [`${sinkId} ${state}`, count]));
}

async function pagesOf(
  stores: VaultUnderTest['stores'],
  size: number,
  sinkId: string | undefined,
): Promise<Delivery[]> {
  const found: Delivery[] = [];
  let after: string | undefined;
  do {
    const page = await stores.deliveries.deadLetters({ size, after }, sinkId);
    found.push(...page.items);
    after = page.next;
  } while (after !== undefined);
  return found;
}
