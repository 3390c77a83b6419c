import type { Connection } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { appNotFound, connectionNotFound, tenantNotFound } from '../model/not_found_errors.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Stores } from '../store/store_interfaces.ts';

/** Resources by their ids. TENANT_NOT_FOUND, APP_NOT_FOUND, CONNECTION_NOT_FOUND. */
export function createLookup(stores: Pick<Stores, 'tenants' | 'apps' | 'connections'>) {
  async function tenant(tenantId: string): Promise<Tenant> {
    const found = await stores.tenants.find(tenantId);
    if (found !== undefined) return found;
    throw tenantNotFound(tenantId);
  }

  return {
    tenant,
    async app(tenantId: string, appId: string): Promise<App> {
      const found = await stores.apps.find((await tenant(tenantId)).uid, appId);
      if (found !== undefined) return found;
      throw appNotFound({ tenantId, appId });
    },
    async connection(tenantId: string, connectionId: string): Promise<Connection> {
      const found = await stores.connections.find((await tenant(tenantId)).uid, connectionId);
      if (found !== undefined) return found;
      throw connectionNotFound({ tenantId, connectionId });
    },
  };
}
