import { sql } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { MINUTE } from '../../src/model/clock.ts';
import { type Open, present, startVault, type VaultUnderTest } from './vault_under_test.ts';

/** Events without a number, as processes of a shared database insert them. */
async function unnumbered(open: Open): Promise<VaultUnderTest> {
  const vault = await startVault(open, { numbered: false });
  for (const id of ['b', 'c', 'd']) await vault.connect(id);
  await vault.damage('outbox', { number: null });
  await vault.damage('feed', { position: 0 }, sql`name = 'outbox'`);
  return vault;
}

export function eventNumbersConformance(open: Open): void {
  describe('numbers of events', () => {
    test('the holder of the lease numbers events in the order of insertion, up to the limit', async () => {
      const { stores } = await unnumbered(open);
      const lease = present(await stores.leases.acquire('outbox', 'a', MINUTE));
      expect(await stores.outbox.read(0, 9)).toEqual([]);

      expect(await stores.outbox.number(lease, 3)).toBe(true);
      expect(await stores.outbox.last()).toBe(3);
      expect(await stores.outbox.number(lease, 3)).toBe(false);

      const events = await stores.outbox.read(0, 9);
      expect(events.map(({ number }) => number)).toEqual([1, 2, 3, 4]);
      expect(events.map(({ event }) => event.subject.split('/').at(-1))).toEqual(['ada', 'b', 'c', 'd']);
      expect(await stores.outbox.last()).toBe(4);
    });

    test('a holder that lost the lease numbers nothing', async () => {
      const { stores } = await unnumbered(open);
      const lost = present(await stores.leases.acquire('outbox', 'a', -1));
      const lease = present(await stores.leases.acquire('outbox', 'b', MINUTE));

      expect(await stores.outbox.number(lost, 9)).toBe(false);
      expect(await stores.outbox.read(0, 9)).toEqual([]);
      await stores.leases.release('outbox', 'b');
      expect(await stores.outbox.number(lease, 9)).toBe(false);
      expect(await stores.outbox.last()).toBe(0);
    });

    test('an event that becomes visible late gets a later number than those that were read', async () => {
      const { stores, damage } = await unnumbered(open);
      const lease = present(await stores.leases.acquire('outbox', 'a', MINUTE));
      await stores.outbox.number(lease, 9);
      const [late, ...others] = await stores.outbox.read(0, 9);
      const cursor = present(others.at(-1)).number;
      // As if its transaction had committed only now.
      await damage('outbox', { number: null }, sql`sequence = ${present(late).sequence}`);

      await stores.outbox.number(lease, 9);

      expect((await stores.outbox.read(cursor, 9)).map(({ event }) => event.uid)).toEqual([present(late).event.uid]);
    });

    test('numbers are not given again after events were deleted', async () => {
      const { stores, tenant, register } = await unnumbered(open);
      const lease = present(await stores.leases.acquire('outbox', 'a', MINUTE));
      await stores.outbox.number(lease, 9);
      await stores.tenants.delete(tenant);
      await register('other');

      expect(await stores.outbox.last()).toBe(4);
      expect(await stores.deliveries.cursor('hook')).toBe(4);
    });
  });
}
