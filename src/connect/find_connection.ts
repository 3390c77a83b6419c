import type { Connection } from '../model/connection.ts';
import { connectionNotFound } from '../model/not_found.ts';
import { findTenant } from './active_lookup.ts';
import type { ConnectParts } from './connect_parts.ts';

/** TENANT_NOT_FOUND, TENANT_SUSPENDED, CONNECTION_NOT_FOUND. */
export async function findConnection(
  { stores }: Pick<ConnectParts, 'stores'>,
  request: { readonly tenantId: string; readonly connectionId: string },
): Promise<Connection> {
  const tenant = await findTenant(stores, request.tenantId);
  const connection = await stores.connections.find(tenant.uid, request.connectionId);
  if (connection !== undefined) return connection;
  throw connectionNotFound(request);
}
