import { setImmediate } from 'node:timers/promises';
import { eq } from 'drizzle-orm';
import { describe, expect, test } from 'vitest';
import { DAY } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { GRAPH, NOW, sampleApp, sampleConnection, sampleCredential, sampleTenant } from './sample_rows.ts';
import { type Open, present, reasonOf, startVault } from './vault_under_test.ts';

export function tenantsConformance(open: Open): void {
  describe('tenants', () => {
    test('registers tenant, app, credential and key at once, and reads them back unchanged', async () => {
      const { stores, tenant, app } = await startVault(open);

      expect(await stores.tenants.find('acme')).toEqual({ ...tenant, nextCredentialExpireTime: NOW + DAY });
      expect(await stores.apps.find(tenant.uid, 'default')).toEqual(app);
      expect(await stores.tenants.find('nobody')).toBeUndefined();
    });

    test('a tenant without an app has its own key for connections of a shared app', async () => {
      const { stores, app, database, dump } = await startVault(open);
      const before = await dump();
      const tenant = sampleTenant('guest');
      const { deks } = database.tables;
      const keys = () => database.select('test', (db) => db.select().from(deks).where(eq(deks.tenantUid, tenant.uid)));
      await stores.tenants.register({ tenant });

      expect(await keys()).toHaveLength(1);
      expect(await stores.tenants.find('guest')).toEqual(tenant);
      expect(await dump()).toMatchObject({ apps: before['apps'], credentials: before['credentials'] });
      const { uid } = await stores.connections.replaceGrant(
        undefined,
        sampleConnection(tenant, app, 'bob'),
        new Secret('rt-of-bob'),
      );
      const held = await stores.grants.lease(uid, { owner: 'replica-1', resource: GRAPH, duration: 12_000 });
      expect(held?.refreshToken?.reveal()).toBe('rt-of-bob');

      await stores.tenants.delete(tenant);
      expect(await keys()).toEqual([]);
      expect(await dump()).toMatchObject({ apps: before['apps'], connections: before['connections'] });
    });

    test('registering an existing name changes nothing', async () => {
      const { stores, dump } = await startVault(open);
      const before = await dump();
      const tenant = sampleTenant('acme');
      const app = sampleApp(tenant);

      const registering = stores.tenants.register({ tenant, app, credential: sampleCredential(app) });

      expect(await reasonOf(registering)).toBe('TENANT_EXISTS');
      expect(await reasonOf(stores.tenants.register({ tenant }))).toBe('TENANT_EXISTS');
      expect(await dump()).toEqual(before);
    });

    test('a failed registration stores nothing', async () => {
      const { stores, dump, app: taken } = await startVault(open);
      const before = await dump();
      const tenant = sampleTenant('globex');
      const app = sampleApp(tenant, 'default', { uid: taken.uid });

      expect(await reasonOf(stores.tenants.register({ tenant, app, credential: undefined }))).toBe('APP_EXISTS');
      expect(await dump()).toEqual(before);
    });

    test('returns the soonest expiry of all credentials', async () => {
      const { stores, app } = await startVault(open);
      await stores.apps.addCredential(app, sampleCredential(app, 'sooner', NOW + 5));
      await stores.apps.addCredential(app, sampleCredential(app, 'endless', null));
      await register(stores, 'other');

      expect((await stores.tenants.find('acme'))?.nextCredentialExpireTime).toBe(NOW + 5);
      expect((await stores.tenants.find('other'))?.nextCredentialExpireTime).toBeUndefined();
    });

    test('an update increments the version, and is rejected if the version changed', async () => {
      const { stores, tenant } = await startVault(open);
      const after = { ...tenant, displayName: 'Acme Inc', labels: { tier: 'iron' }, updateTime: NOW + 1 };

      const updated = await stores.tenants.update(tenant, after);

      expect(updated.version).toBe(2);
      expect(await stores.tenants.find('acme')).toMatchObject({
        displayName: 'Acme Inc',
        labels: { tier: 'iron' },
        version: 2,
      });
      expect(await reasonOf(stores.tenants.update(tenant, { ...tenant, displayName: 'late' }))).toBe('ETAG_MISMATCH');
      expect((await stores.tenants.find('acme'))?.displayName).toBe('Acme Inc');
    });

    test('finds the tenants that have labels for rules', async () => {
      const { stores, tenant, register } = await startVault(open);
      const { tenant: beta } = await register('beta');
      const label = async (one: typeof tenant, labels: Readonly<Record<string, string>>) =>
        stores.tenants.update(one, { ...one, labels });
      const gold = { team: 'x', 'access.tier': 'gold "%' };
      await label(tenant, gold);
      const other = await label(beta, { access: 'access.', 'x.access.y': 'z' });

      const found = [{ uid: tenant.uid, tenantId: 'acme', labels: gold }];
      expect(await stores.tenants.withAccessLabels()).toEqual(found);
      expect(await stores.tenants.withAccessLabels(tenant.uid)).toEqual(found);
      expect(await stores.tenants.withAccessLabels(beta.uid)).toEqual([]);
      await label(other, { 'access.tier': 'gold' });
      expect(await stores.tenants.withAccessLabels(beta.uid)).toHaveLength(1);
    });

    test('lists pages sorted by id, of all tenants or those named', async () => {
      const { stores } = await startVault(open);
      for (const id of ['b', 'a-1', 'a', 'a1', 'z']) await register(stores, id);

      const first = await stores.tenants.list({ size: 4, after: undefined });
      const second = await stores.tenants.list({ size: 4, after: first.next });

      expect([...first.items, ...second.items].map((tenant) => tenant.tenantId)).toEqual([
        'a',
        'a-1',
        'a1',
        'acme',
        'b',
        'z',
      ]);
      expect(second.next).toBeUndefined();
      const named = await stores.tenants.list({ size: 9, after: 'a' }, ['z', 'a', 'a1', 'nobody']);
      expect(named.items.map((tenant) => tenant.tenantId)).toEqual(['a1', 'z']);
      expect((await stores.tenants.list({ size: 9, after: undefined }, [])).items).toEqual([]);
    });

    test('deleting a tenant deletes everything that it owns, and nothing else', async () => {
      const { stores, tenant, connection, lease, dump, database } = await startVault(open);
      const other = await register(stores, 'other');
      const held = await lease();
      await stores.tenants.delete(tenant);

      expect(await stores.tenants.find('acme')).toBeUndefined();
      expect(await stores.connections.findByUid(connection.uid)).toBeUndefined();
      const rows = await dump();
      expect(rows['connections']).toEqual([]);
      expect(rows['apps']).toMatchObject([{ uid: other.app.uid }]);
      expect(rows['credentials']).toEqual([]);
      const { deks } = database.tables;
      expect(
        await database.select('test', (db) => db.select().from(deks).where(eq(deks.tenantUid, tenant.uid))),
      ).toEqual([]);
      expect(await held.record({ connection, refreshToken: undefined, accessToken: undefined })).toBe('fenced');
    });

    test('rejects deleting a tenant that changed since it was read', async () => {
      const { stores, tenant, dump } = await startVault(open);
      await stores.tenants.update(tenant, { ...tenant, displayName: 'changed' });
      const before = await dump();

      expect(await reasonOf(stores.tenants.delete(tenant))).toBe('ETAG_MISMATCH');
      expect(await dump()).toEqual(before);
      expect(await stores.apps.usableCredentials(await appOf(stores, tenant.uid))).toHaveLength(1);
    });

    test('rejects deleting a tenant whose app has connections of others', async () => {
      const { stores, tenant, app, dump } = await startVault(open);
      const other = await register(stores, 'other');
      await stores.connections.create(sampleConnection(other.tenant, app, 'bob'));
      const before = await dump();

      expect(await stores.tenants.countConnections(tenant.uid)).toBe(1);
      expect(await stores.tenants.countForeignConnections(tenant.uid)).toBe(1);
      expect(await stores.tenants.countForeignConnections(other.tenant.uid)).toBe(0);
      expect(await reasonOf(stores.tenants.delete(tenant))).toBe('APP_IN_USE');
      expect(await dump()).toEqual(before);
    });

    test('deleting a tenant with many connections does not block others', async () => {
      const { stores, tenant, connect, dump } = await startVault(open);
      for (let number = 0; number < 600; number++) await connect(`c${number}`);
      const other = await register(stores, 'other');
      await stores.connections.create(sampleConnection(other.tenant, other.app, 'bob'));
      // Opens the connections that the two need at the same time.
      await Promise.all([stores.tenants.find('acme'), stores.tenants.find('other')]);
      const ended: string[] = [];
      const deleting = stores.tenants.delete(tenant).then(() => ended.push('deletion'));
      const reading = setImmediate().then(async () => {
        await stores.tenants.find('other');
        ended.push('reading');
      });
      await Promise.all([deleting, reading]);

      expect(ended).toEqual(['reading', 'deletion']);
      expect((await dump())['connections']).toHaveLength(1);
      expect(await stores.tenants.find('acme')).toBeUndefined();
    });

    test('a large tenant stays unchanged if it changed or others use its app', async () => {
      const { stores, tenant, app, connect, dump } = await startVault(open);
      for (let number = 0; number < 251; number++) await connect(`c${number}`);
      const before = await dump();
      expect(await reasonOf(stores.tenants.delete({ ...tenant, version: 7 }))).toBe('ETAG_MISMATCH');
      expect(await dump()).toEqual(before);

      const other = await register(stores, 'other');
      await stores.connections.create(sampleConnection(other.tenant, app, 'bob'));
      const shared = await dump();
      expect(await reasonOf(stores.tenants.delete(tenant))).toBe('APP_IN_USE');
      expect(await dump()).toEqual(shared);
    });

    test('a deleted name can be reused for another tenant', async () => {
      const { stores, tenant } = await startVault(open);
      await stores.tenants.delete(tenant);

      const again = await register(stores, 'acme');

      expect((await stores.tenants.find('acme'))?.uid).toBe(again.tenant.uid);
      expect(await stores.tenants.countConnections(again.tenant.uid)).toBe(0);
    });
  });
}

type Stores = Awaited<ReturnType<Open>>['stores'];

async function register(stores: Stores, tenantId: string) {
  const tenant = sampleTenant(tenantId);
  const app = sampleApp(tenant);
  await stores.tenants.register({ tenant, app, credential: undefined });
  return { tenant, app };
}

async function appOf(stores: Stores, tenantUid: string) {
  return present(await stores.apps.find(tenantUid, 'default'));
}
