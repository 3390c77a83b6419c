import { tenantName } from '../model/tenant.ts';
import type { KeyOwner } from '../store/tenant_key_store_interface.ts';

/** The owner of a data key as log events have it. The vault itself has no name, nor has a tenant that was deleted. */
export function ownerInLog(
  { tenantUid, tenantId }: KeyOwner,
  vault: KeyOwner,
): { readonly tenantUid: string; readonly tenant?: string } {
  return tenantId === vault.tenantId ? { tenantUid } : { tenantUid, tenant: tenantName(tenantId) };
}
