import { type App, isSharedWith } from '../model/app.ts';
import { appName, type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { tenantNotFound } from '../model/not_found.ts';
import { suspended } from '../model/suspension.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Stores } from '../store/stores.ts';
import type { AppReference } from './authorizations.ts';

type Rows = Pick<Stores, 'tenants' | 'apps'>;

/** The tenant, if it may connect anybody. TENANT_NOT_FOUND, TENANT_SUSPENDED. */
export async function findTenant({ tenants }: Pick<Rows, 'tenants'>, tenantId: string): Promise<Tenant> {
  const tenant = await tenants.find(tenantId);
  if (tenant === undefined) throw tenantNotFound(tenantId);
  if (tenant.state === 'SUSPENDED')
    throw suspended('TENANT_SUSPENDED', { name: `tenants/${tenantId}`, resumedBy: 'ResumeTenant' });
  return tenant;
}

/** The app that a tenant connects through: its own, or one that is shared with it. APP_NOT_FOUND, APP_SUSPENDED, TENANT_SUSPENDED. */
export async function findApp({ tenants, apps }: Rows, tenant: Tenant, reference: AppReference): Promise<App> {
  const owner = reference.tenantId === tenant.tenantId ? tenant : await tenants.find(reference.tenantId);
  const app = owner === undefined ? undefined : await apps.find(owner.uid, reference.appId);
  return usable(app, owner, tenant, appName(reference));
}

/** The same for an app that an authorization under way was started with. */
export async function findAppByUid({ tenants, apps }: Rows, tenant: Tenant, uid: string): Promise<App> {
  const app = await apps.findByUid(uid);
  const owner = app === undefined || app.tenantUid === tenant.uid ? tenant : await tenants.find(app.tenantId);
  return usable(app, owner, tenant, appName(app ?? { tenantId: tenant.tenantId, appId: '-' }));
}

export function checkNotSuspended(connection: Connection): void {
  if (connection.suspendTime === undefined) return;
  throw suspended('CONNECTION_SUSPENDED', { name: connectionName(connection), resumedBy: 'ResumeConnection' });
}

/** One answer for an app that is not there and one that is not shared: neither is the tenant's to know. */
function usable(app: App | undefined, owner: Tenant | undefined, tenant: Tenant, name: string): App {
  if (app === undefined || !isSharedWith(app, tenant.tenantId)) {
    throw new VaultError(
      'APP_NOT_FOUND',
      `${name} does not exist, or is not shared with tenants/${tenant.tenantId}. Name a shared app in the field app, or create one with CreateApp.`,
      { metadata: { resource: name } },
    );
  }
  if (app.suspended || owner?.state === 'SUSPENDED')
    throw suspended('APP_SUSPENDED', { name, resumedBy: app.suspended ? 'UpdateApp' : 'ResumeTenant' });
  return app;
}
