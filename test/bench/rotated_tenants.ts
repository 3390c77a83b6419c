import { Secret } from '../../src/model/secret.ts';
import type { Stores } from '../../src/store/store_interfaces.ts';
import type { KeyOwner } from '../../src/store/tenant_key_store_interface.ts';
import { sampleApp, sampleConnection, sampleCredential, sampleTenant } from '../conformance/sample_rows.ts';
import { newRefreshToken } from './fake_entra.ts';

/** Whose commits wait at the same time. */
const AT_ONCE = 25;

/** Tenants with one app, one client secret and so many connections each, through the stores. */
export async function fillTenants(stores: Stores, tenants: number, connectionsEach: number): Promise<KeyOwner[]> {
  const owners: KeyOwner[] = [];
  for (let first = 0; first < tenants; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, tenants - first) }, (_, at) => first + at);
    owners.push(...(await Promise.all(numbers.map((number) => fillTenant(stores, number, connectionsEach)))));
  }
  return owners;
}

async function fillTenant(stores: Stores, number: number, connections: number): Promise<KeyOwner> {
  const tenant = sampleTenant(`t${number}`);
  const app = sampleApp(tenant);
  await stores.tenants.register({ tenant, app, credential: sampleCredential(app) });
  await Promise.all(
    Array.from({ length: connections }, (_, at) => {
      const connection = sampleConnection(tenant, app, `c${at}`);
      return stores.connections.replaceGrant(undefined, connection, new Secret(newRefreshToken()));
    }),
  );
  return { tenantUid: tenant.uid, tenantId: tenant.tenantId };
}
