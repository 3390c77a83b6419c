import { describe, expect, test } from 'vitest';
import type { AdminConsent } from '../../src/model/admin_consent_request.ts';
import { DAY, HOUR } from '../../src/model/clock.ts';
import { NOW, sampleAdminConsent, sampleApp, sampleConnection, sampleTenant } from './sample_rows.ts';
import { type Open, reasonOf, startVault, type VaultUnderTest } from './vault_under_test.ts';

export function adminConsentsConformance(open: Open): void {
  describe('admin consents', () => {
    test('reads back what was started, whichever optional fields are absent', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const bare = await start(vault, { directoryId: undefined, returnUrl: undefined, productScopes: [] }, '1');
      const rich = await start(vault, { directoryId: 'd1' }, '2');

      expect(await adminConsents.findByHandle('handle1')).toEqual(bare);
      expect(await adminConsents.findByHandle('handle2')).toEqual(rich);
      expect(await adminConsents.findByHandle('other')).toBeUndefined();
    });

    test('a state is consumed once; the second time shows the first outcome', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const consent = await start(vault);

      const uses = await Promise.all([1, 2, 3].map(() => adminConsents.useState('state', NOW)));
      await adminConsents.grant(consent);

      expect(uses.map(({ kind }) => kind).sort()).toEqual(['fresh', 'used', 'used']);
      expect(uses.find(({ kind }) => kind === 'fresh')).toEqual({ kind: 'fresh', consent });
      expect(await adminConsents.useState('state', NOW + DAY)).toEqual({
        kind: 'used',
        consent: { ...consent, state: 'GRANTED' },
      });
    });

    test('an unknown or expired state is neither fresh nor used', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      await start(vault);

      expect(await adminConsents.useState('forged', NOW)).toEqual({ kind: 'unknown' });
      expect(await adminConsents.useState('state', NOW + HOUR)).toEqual({ kind: 'unknown' });
      expect(await adminConsents.useState('state', NOW + HOUR - 1)).toMatchObject({ kind: 'fresh' });
    });

    test('a link whose button was never pressed has no state', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      await start(vault, {}, '', null);
      await start(vault, {}, '2', null);

      expect(await adminConsents.useState('state', NOW)).toEqual({ kind: 'unknown' });
      expect((await vault.dump())['adminConsents']).toHaveLength(2);
    });

    test('each press of the button replaces the state, and the previous one becomes invalid', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const consent = await start(vault);
      await adminConsents.useState('state', NOW);

      await adminConsents.renewState(consent.uid, { stateHash: 'second', expireTime: NOW + HOUR });

      expect(await adminConsents.useState('state', NOW)).toEqual({ kind: 'unknown' });
      expect(await adminConsents.useState('second', NOW)).toEqual({ kind: 'fresh', consent });
    });

    test('presses of a link are limited, and the last state stays valid', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const { uid } = await start(vault);
      const press = (count: number) =>
        adminConsents.renewState(uid, { stateHash: `press ${count}`, expireTime: NOW + HOUR });
      for (let count = 1; count <= 100; count += 1) await press(count);

      expect(await reasonOf(press(101))).toBe('RATE_LIMITED');
      expect(await adminConsents.useState('press 100', NOW)).toMatchObject({ kind: 'fresh' });
    });

    test('a completed admin consent does not change and has no fresh states', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const consent = await start(vault);
      await adminConsents.grant(consent);

      expect(await adminConsents.findByHandle('handle')).toEqual({ ...consent, state: 'GRANTED' });
      expect(await adminConsents.useState('state', NOW)).toMatchObject({ kind: 'used', consent: { state: 'GRANTED' } });
      const late = { stateHash: 'late', expireTime: NOW + HOUR };
      expect(await reasonOf(adminConsents.renewState(consent.uid, late))).toBe('STATE_INVALID');
      expect(await reasonOf(adminConsents.renewState('gone', late))).toBe('STATE_INVALID');
      expect(await adminConsents.useState('late', NOW)).toEqual({ kind: 'unknown' });
    });

    test('two links do not affect each other', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      const one = await start(vault, {}, '1');
      const other = await start(vault, {}, '2');

      await adminConsents.grant(one);

      expect(await adminConsents.findByHandle('handle2')).toEqual(other);
      expect(await adminConsents.useState('state2', NOW)).toMatchObject({ kind: 'fresh' });
    });

    test('sweeping deletes expired links, not valid ones or those with a valid state', async () => {
      const vault = await startVault(open);
      const { adminConsents } = vault.stores;
      await start(vault, { expireTime: NOW - 1 }, '1', NOW - 1);
      await start(vault, { expireTime: NOW - 1 }, '2', null);
      await start(vault, { expireTime: NOW - 1 }, '3', NOW + HOUR);
      await start(vault, { expireTime: NOW + DAY }, '4', NOW - 1);

      expect(await adminConsents.sweep(NOW, 1)).toBe(1);
      expect(await adminConsents.sweep(NOW, 10)).toBe(1);

      const left = await Promise.all(['1', '2', '3', '4'].map((n) => adminConsents.findByHandle(`handle${n}`)));
      expect(left.map((consent) => consent !== undefined)).toEqual([false, false, true, true]);
    });

    test('errors distinguish a deleted app from a deleted tenant', async () => {
      const vault = await startVault(open);
      const { stores, tenant } = vault;
      const gone = sampleAdminConsent(tenant, sampleApp(tenant, 'gone'));
      expect(await reasonOf(stores.adminConsents.start(gone, 'h', undefined))).toBe('APP_NOT_FOUND');

      const nobody = sampleAdminConsent(sampleTenant('nobody'), vault.app);
      expect(await reasonOf(stores.adminConsents.start(nobody, 'h', undefined))).toBe('TENANT_NOT_FOUND');
    });

    test('is deleted with its app, and does not keep the app in use', async () => {
      const vault = await startVault(open);
      const { stores, tenant, register } = vault;
      const shared = sampleApp(tenant, 'shared', { sharedWith: ['*'] });
      await stores.apps.create(shared, undefined);
      const other = await register('other');
      await start({ ...vault, app: shared }, {}, '1');
      await start({ ...vault, tenant: other.tenant, app: shared }, {}, '2');
      await start(vault, {}, '3');

      await stores.apps.delete(shared);

      expect((await vault.dump())['adminConsents']).toMatchObject([{ handleHash: 'handle3' }]);
    });

    test('is deleted with its tenant, or with the tenant that owns the app', async () => {
      const vault = await startVault(open);
      const { stores, tenant, app, register } = vault;
      const other = await register('other');
      const third = await register('third');
      await start(vault, {}, '1');
      await start({ ...vault, tenant: other.tenant }, {}, '2');
      await start({ ...vault, tenant: third.tenant, app: third.app }, {}, '3');
      await start({ ...vault, tenant: third.tenant }, {}, '4');

      await stores.tenants.delete(third.tenant);
      expect((await vault.dump())['adminConsents']).toHaveLength(2);
      expect(await stores.apps.findByUid(app.uid)).toBeDefined();
      await stores.tenants.delete(tenant);
      expect((await vault.dump())['adminConsents']).toEqual([]);
      expect(await reasonOf(stores.connections.create(sampleConnection(other.tenant, other.app)))).toBe('none');
    });
  });
}

/** `stateEnds`: null for a link whose button was not pressed yet. */
async function start(
  { stores, tenant, app }: Pick<VaultUnderTest, 'stores' | 'tenant' | 'app'>,
  changes: Partial<AdminConsent> = {},
  suffix = '',
  stateEnds: number | null = NOW + HOUR,
): Promise<AdminConsent> {
  const consent = sampleAdminConsent(tenant, app, changes);
  const state = stateEnds === null ? undefined : { stateHash: `state${suffix}`, expireTime: stateEnds };
  await stores.adminConsents.start(consent, `handle${suffix}`, state);
  return consent;
}
