import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { NOW } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

export function leasesConformance(open: Open): void {
  describe('leases', () => {
    test('one of many requests gets a lease, and can renew it', async () => {
      const { stores } = await startVault(open);
      const owners = ['a', 'b', 'c', 'd'];
      const acquire = () => Promise.all(owners.map((owner) => stores.leases.acquire('leader', owner, DAY)));

      const first = await acquire();
      expect(first.filter(Boolean)).toHaveLength(1);
      expect(await acquire()).toEqual(first);
    });

    test('each name has its own lease', async () => {
      const { stores } = await startVault(open);

      expect(await stores.leases.acquire('leader', 'a', DAY)).toBeDefined();
      expect(await stores.leases.acquire('sweep', 'b', DAY)).toBeDefined();
    });

    test('an expired lease goes to the next request; its earlier owner has lost it', async () => {
      const { stores } = await startVault(open);
      await stores.leases.acquire('leader', 'a', -1);

      expect(await stores.leases.acquire('leader', 'b', DAY)).toEqual({ name: 'leader', owner: 'b', epoch: 2 });
      expect(await stores.leases.acquire('leader', 'a', DAY)).toBeUndefined();
    });

    test('only its owner can release it', async () => {
      const { stores } = await startVault(open);
      await stores.leases.acquire('leader', 'a', DAY);

      await stores.leases.release('leader', 'b');
      expect(await stores.leases.acquire('leader', 'b', DAY)).toBeUndefined();

      await stores.leases.release('leader', 'a');
      expect(await stores.leases.acquire('leader', 'b', DAY)).toBeDefined();
    });

    test('the clock of the database decides, not that of the vault', async () => {
      const { stores, clock } = await startVault(open);
      await stores.leases.acquire('leader', 'a', DAY);
      clock.time = NOW + 1_000 * DAY;

      expect(await stores.leases.acquire('leader', 'b', DAY)).toBeUndefined();
    });

    test('those that are held are listed by name', async () => {
      const { stores } = await startVault(open);
      await stores.leases.acquire('sweep', 'b', DAY);
      await stores.leases.acquire('leader', 'a', DAY);
      await stores.leases.acquire('expired', 'a', -1);
      await stores.leases.acquire('released', 'a', DAY);
      await stores.leases.release('released', 'a');

      const held = await stores.leases.listHeld();

      expect(held.map(({ name, owner }) => [name, owner])).toEqual([
        ['leader', 'a'],
        ['sweep', 'b'],
      ]);
      for (const { remaining } of held) expect(Math.abs(DAY - remaining)).toBeLessThan(DAY / 2);
    });

    test('the epoch grows with each acquisition, also after a release, and not with a renewal', async () => {
      const { stores } = await startVault(open);
      const epoch = async () => (await stores.leases.acquire('leader', 'a', DAY))?.epoch;

      expect([await epoch(), await epoch()]).toEqual([1, 1]);
      await stores.leases.release('leader', 'a');
      expect([await epoch(), await epoch()]).toEqual([2, 2]);
    });
  });
}
