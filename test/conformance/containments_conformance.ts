import { describe, expect, test } from 'vitest';
import type { Containment } from '../../src/model/containment.ts';
import { NOW } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

const containment: Containment = { subject: 'callers/mail-sync', reason: 'Key leaked', caller: 'ops', createTime: NOW };

export function containmentsConformance(open: Open): void {
  describe('containments', () => {
    test('they are listed by subject until they are lifted', async () => {
      const { stores } = await startVault(open);
      const tenant = { ...containment, subject: 'tenants/acme' };
      expect(await stores.containments.contain(tenant)).toEqual(tenant);
      expect(await stores.containments.contain(containment)).toEqual(containment);
      expect(await stores.containments.list()).toEqual([containment, tenant]);

      expect(await stores.containments.lift(containment.subject)).toBe(true);
      expect(await stores.containments.lift(containment.subject)).toBe(false);
      expect(await stores.containments.list()).toEqual([tenant]);
    });

    test('a subject that is contained again keeps its first reason', async () => {
      const { stores } = await startVault(open);
      await stores.containments.contain(containment);
      const again = { ...containment, reason: 'Again', caller: 'other', createTime: NOW + 1 };
      expect(await stores.containments.contain(again)).toEqual(containment);
      expect(await stores.containments.list()).toEqual([containment]);
    });

    test('a containment outlives the tenant that it names', async () => {
      const { stores, tenant } = await startVault(open);
      const { subject } = await stores.containments.contain({ ...containment, subject: 'tenants/acme' });
      await stores.tenants.delete(tenant);
      expect(await stores.containments.list()).toMatchObject([{ subject }]);
    });

    test('each call announces itself to the other processes, also if it changes nothing', async () => {
      const { stores } = await startVault(open);
      const before = (await stores.changes.newest())?.position ?? 0;
      await stores.containments.contain(containment);
      await stores.containments.contain(containment);
      await stores.containments.lift(containment.subject);
      await stores.containments.lift(containment.subject);
      const rows = await stores.changes.read(before + 1, 9);
      expect(rows.map(({ change }) => change)).toEqual(
        Array.from({ length: 4 }, () => ({ kind: 'containment', uid: containment.subject })),
      );
    });
  });
}
