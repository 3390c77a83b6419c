import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { NOW } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

export function leasesConformance(open: Open): void {
  describe('leases', () => {
    test('of many who want one, one gets it, and gets it again', async () => {
      const { stores } = await startVault(open);
      const owners = ['a', 'b', 'c', 'd'];
      const acquire = () => Promise.all(owners.map((owner) => stores.leases.acquire('leader', owner, DAY)));

      const first = await acquire();
      expect(first.filter(Boolean)).toHaveLength(1);
      expect(await acquire()).toEqual(first);
    });

    test('each name is a lease of its own', async () => {
      const { stores } = await startVault(open);

      expect(await stores.leases.acquire('leader', 'a', DAY)).toBe(true);
      expect(await stores.leases.acquire('sweep', 'b', DAY)).toBe(true);
    });

    test('one that has ended goes to whoever asks; its earlier owner has lost it', async () => {
      const { stores } = await startVault(open);
      await stores.leases.acquire('leader', 'a', -1);

      expect(await stores.leases.acquire('leader', 'b', DAY)).toBe(true);
      expect(await stores.leases.acquire('leader', 'a', DAY)).toBe(false);
    });

    test('only its owner can release it', async () => {
      const { stores } = await startVault(open);
      await stores.leases.acquire('leader', 'a', DAY);

      await stores.leases.release('leader', 'b');
      expect(await stores.leases.acquire('leader', 'b', DAY)).toBe(false);

      await stores.leases.release('leader', 'a');
      expect(await stores.leases.acquire('leader', 'b', DAY)).toBe(true);
    });

    test("the database's clock decides, whatever the vault's says", async () => {
      const { stores, clock } = await startVault(open);
      await stores.leases.acquire('leader', 'a', DAY);
      clock.time = NOW + 1_000 * DAY;

      expect(await stores.leases.acquire('leader', 'b', DAY)).toBe(false);
    });
  });
}
