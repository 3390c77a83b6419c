import type { TenantStore } from '../store/stores.ts';
import type { App } from './app.ts';
import { appName } from './connection.ts';

/** Whoever is suspended of an app and its tenant, and how it is resumed; undefined: Entra may be asked for the app. */
export async function suspensionOf(
  tenants: Pick<TenantStore, 'find'>,
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
