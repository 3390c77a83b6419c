import type { App } from './app.ts';
import { appName } from './connection.ts';
import type { Tenant } from './tenant.ts';

/** The suspended one of an app and its tenant, and the method that resumes it; undefined: neither is suspended. */
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
