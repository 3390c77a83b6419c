import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import type { AppIds } from '../../src/model/entra_app.ts';
import type { Rotation } from '../../src/model/secret_rotation.ts';
import { NOW, sampleApp, sampleCredential, sampleRotation } from './sample_rows.ts';
import { type Open, startVault } from './vault_under_test.ts';

const REASON = {
  reason: 'APP_CREDENTIAL_EXPIRED',
  entraError: undefined,
  correlationId: undefined,
  time: NOW,
} as const;
const FAILING = { state: 'CREDENTIAL_REJECTED', stateReason: REASON } as const;

export function appProblemsConformance(open: Open): void {
  describe('problems of apps', () => {
    test('lists apps that fail with their reason, until they work again', async () => {
      const { stores, app } = await startVault(open);
      expect(await stores.appProblems.failing(10)).toEqual({ rows: [], total: 0 });

      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', REASON);
      const failing = await stores.appProblems.failing(10);
      await stores.apps.recordAppState(app.uid, 'OK', undefined);

      const row = { tenantId: 'acme', appId: 'default', reason: 'APP_CREDENTIAL_EXPIRED', stateReason: REASON };
      expect(failing).toEqual({ rows: [row], total: 1 });
      expect(await stores.appProblems.failing(10)).toEqual({ rows: [], total: 0 });
    });

    test('lists no suspended app, nor one of a suspended tenant', async () => {
      const { stores, app, tenant, register } = await startVault(open);
      await register('other', { ...FAILING, suspended: true });
      await stores.apps.recordAppState(app.uid, 'CREDENTIAL_REJECTED', REASON);
      expect((await stores.appProblems.failing(10)).total).toBe(1);

      await stores.tenants.update(tenant, { ...tenant, state: 'SUSPENDED' });

      expect((await stores.appProblems.failing(10)).total).toBe(0);
    });

    test('within the limit, each tenant has its share', async () => {
      const { stores, tenant, register } = await startVault(open);
      for (const appId of ['a', 'b', 'c', 'd']) {
        const app = sampleApp(tenant, appId, FAILING);
        await stores.apps.create(app, sampleCredential(app));
        await stores.rotations.begin(sampleRotation(app, { beginTime: NOW - 3 * DAY }));
      }
      const { app } = await register('zeta', FAILING);
      await stores.rotations.begin(sampleRotation(app, { beginTime: NOW - 2 * DAY }));

      const failing = await stores.appProblems.failing(3);
      const rotations = await stores.appProblems.unfinishedRotations(NOW - DAY, 3);

      expect(failing.rows.map(nameOf)).toEqual(['acme/a', 'zeta/default', 'acme/b']);
      expect(rotations.rows.map(({ tenantId }) => tenantId)).toEqual(['acme', 'zeta', 'acme']);
      expect([failing.total, rotations.total]).toEqual([5, 5]);
    });

    test('lists rotations that are blocked or old, and no others', async () => {
      const { stores, tenant } = await startVault(open);
      const problem = { kind: 'POLICY', code: undefined, permission: undefined, time: NOW, reportedTime: NOW } as const;
      const wanted: Record<string, Partial<Rotation>> = {
        blocked: { beginTime: NOW, problem },
        old: { beginTime: NOW - 2 * DAY },
        usual: { beginTime: NOW - DAY },
      };
      for (const [appId, changes] of Object.entries(wanted)) {
        const app = sampleApp(tenant, appId);
        await stores.apps.create(app, sampleCredential(app));
        await stores.rotations.begin(sampleRotation(app, changes));
      }

      const { rows, total } = await stores.appProblems.unfinishedRotations(NOW - 2 * DAY, 10);

      expect(total).toBe(2);
      expect(rows).toEqual([
        { tenantId: 'acme', appId: 'old', isBlocked: false, beginTime: NOW - 2 * DAY },
        { tenantId: 'acme', appId: 'blocked', isBlocked: true, beginTime: NOW },
      ]);
    });
  });
}

function nameOf({ tenantId, appId }: AppIds): string {
  return `${tenantId}/${appId}`;
}
