import { expect, test } from 'vitest';
import { etagOf } from '../../src/model/etag.ts';
import { createTenants } from '../../src/registry/tenant_operations.ts';
import { openRegistry, registration } from './open_registry.ts';

test('a tenant is not deleted while the row of one of its apps cannot be read', async () => {
  const registry = await openRegistry();
  const { tenant } = await registry.tenants.register(registration());
  const { stores } = registry.parts;
  const name = `tenants/${tenant.tenantId}/apps/default`;
  const list = async () => ({ items: [], next: undefined, unreachable: [name] });
  const tenants = createTenants({ ...registry.parts, stores: { ...stores, apps: { ...stores.apps, list } } });

  const deletion = tenants.delete({ tenantId: tenant.tenantId, etag: etagOf(tenant), force: true });

  await expect(deletion).rejects.toMatchObject({ reason: 'RECORD_CORRUPT', metadata: { resource: name } });
  expect(await stores.tenants.find(tenant.tenantId)).toBeDefined();
});
