import type { App } from '../model/app.ts';
import type { Connection } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { appNotFound, tenantNotFound } from '../model/not_found.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Stores } from '../store/stores.ts';

/** What is named must be there. */
export interface Lookup {
  tenant(tenantId: string): Promise<Tenant>;
  app(tenantId: string, appId: string): Promise<App>;
  connection(tenantId: string, connectionId: string): Promise<Connection>;
}

export function createLookup(stores: Pick<Stores, 'tenants' | 'apps' | 'connections'>): Lookup {
  async function tenant(tenantId: string): Promise<Tenant> {
    const found = await stores.tenants.find(tenantId);
    if (found !== undefined) return found;
    throw tenantNotFound(tenantId);
  }

  return {
    tenant,
    async app(tenantId, appId) {
      const found = await stores.apps.find((await tenant(tenantId)).uid, appId);
      if (found !== undefined) return found;
      throw appNotFound({ tenantId, appId });
    },
    async connection(tenantId, connectionId) {
      const found = await stores.connections.find((await tenant(tenantId)).uid, connectionId);
      if (found !== undefined) return found;
      const name = `tenants/${tenantId}/connections/${connectionId}`;
      throw new VaultError('CONNECTION_NOT_FOUND', `there is no ${name}; connect the user with StartAuthorization`, {
        metadata: { resource: name },
      });
    },
  };
}
