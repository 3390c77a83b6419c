import { appName } from './connection.ts';
import type { App } from './entra_app.ts';
import { VaultError } from './errors.ts';
import type { Tenant } from './tenant.ts';

/** The app or its tenant, whichever is suspended, and the method that resumes it; undefined if neither is. */
export async function suspensionOf(
  tenants: { find(tenantId: string): Promise<Pick<Tenant, 'state'> | undefined> },
  app: Pick<App, 'tenantId' | 'appId' | 'suspended'>,
): Promise<Suspension | undefined> {
  if (app.suspended) return { name: appName(app), resumedBy: 'UpdateApp' };
  const isOfTenant = (await tenants.find(app.tenantId))?.state === 'SUSPENDED';
  return isOfTenant ? { name: `tenants/${app.tenantId}`, resumedBy: 'ResumeTenant' } : undefined;
}

export interface Suspension {
  readonly name: string;
  readonly resumedBy: string;
}

/** `resumedBy` is the method that resumes the resource. */
export function suspended(
  reason: 'TENANT_SUSPENDED' | 'APP_SUSPENDED' | 'CONNECTION_SUSPENDED',
  { name, resumedBy }: Suspension,
): VaultError {
  return new VaultError(reason, `${name} is suspended. Resume it with ${resumedBy}.`, {
    metadata: { resource: name, nextStep: resumedBy },
  });
}
