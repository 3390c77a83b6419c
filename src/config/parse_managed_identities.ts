import { GUID, RESOURCE_ID } from '../model/id_patterns.ts';
import type { AllowedManagedIdentity } from '../model/managed_identities.ts';

/** `TOKENVAULT_MANAGED_IDENTITIES`: comma-separated `TENANT=CLIENT_ID`; an identity belongs to one tenant. */
export function readManagedIdentities(text: string): readonly AllowedManagedIdentity[] | { readonly fault: string } {
  const entries: AllowedManagedIdentity[] = [];
  for (const part of text.split(',')) {
    const [tenantId = '', given = '', ...more] = part.trim().split('=');
    const clientId = given.toLowerCase();
    if (more.length > 0 || !RESOURCE_ID.test(tenantId) || !GUID.test(clientId)) {
      return {
        fault: 'must be TENANT=CLIENT_ID, such as acme=11111111-2222-4333-8444-555555555555, with commas between',
      };
    }
    if (entries.some((entry) => entry.clientId === clientId && entry.tenantId !== tenantId)) {
      return { fault: `${clientId} is named for two tenants, so each could act as an app of the other one` };
    }
    entries.push({ tenantId, clientId });
  }
  return entries;
}
