import { externalIdTaken } from '../model/external_id.ts';
import type { Tenant } from '../model/tenant.ts';
import type { ConnectParts } from './connect_parts.ts';

/**
 * CONNECTION_EXISTS, before anything is asked of Entra. Whoever is faster afterwards is found by the store, in the commit itself.
 */
export async function checkExternalIdFree(
  { stores }: Pick<ConnectParts, 'stores'>,
  tenant: Tenant,
  { connectionId, externalId }: { readonly connectionId: string; readonly externalId?: string | undefined },
): Promise<void> {
  if (externalId === undefined) return;
  const holder = await stores.connections.findByExternalId(tenant.uid, externalId);
  if (holder !== undefined && holder.connectionId !== connectionId) throw externalIdTaken(holder);
}
