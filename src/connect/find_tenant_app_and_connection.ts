import { appName, type Connection, connectionName } from '../model/connection.ts';
import { type App, isSharedWith } from '../model/entra_app.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { connectionNotFound, tenantNotFound } from '../model/not_found_errors.ts';
import { suspended } from '../model/suspension.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Stores } from '../store/store_interfaces.ts';

type Rows = Pick<Stores, 'tenants' | 'apps'>;

/** The app that a request names; another tenant's if that tenant shares it. */
export type AppReference = Pick<App, 'tenantId' | 'appId'>;

/** The app of the existing connection, else the tenant's `default`. */
export function usualApp({ tenantId }: Tenant, existing: Connection | undefined): AppReference {
  if (existing === undefined) return { tenantId, appId: 'default' };
  return { tenantId: existing.appTenantId, appId: existing.appId };
}

/** TENANT_NOT_FOUND, TENANT_SUSPENDED. */
export async function findTenant({ tenants }: Pick<Rows, 'tenants'>, tenantId: string): Promise<Tenant> {
  return activeTenant(tenantId, await tenants.find(tenantId));
}

/** The app that a tenant connects through: its own, or one that is shared with it. APP_NOT_FOUND, APP_SUSPENDED. */
export async function findApp({ tenants, apps }: Rows, tenant: Tenant, reference: AppReference): Promise<App> {
  const owner = reference.tenantId === tenant.tenantId ? tenant : await tenants.find(reference.tenantId);
  const app = owner === undefined ? undefined : await apps.find(owner.uid, reference.appId);
  return activeApp(app, owner, tenant, appName(reference));
}

/** TENANT_NOT_FOUND, TENANT_SUSPENDED, CONNECTION_NOT_FOUND. */
export async function findConnection(
  stores: Pick<Stores, 'tenants' | 'connections'>,
  request: Pick<Connection, 'tenantId' | 'connectionId'>,
): Promise<Connection> {
  const tenant = await findTenant(stores, request.tenantId);
  const connection = await stores.connections.find(tenant.uid, request.connectionId);
  if (connection !== undefined) return connection;
  throw connectionNotFound(request);
}

/** The tenant and app of a consent in progress, as stored: a page also names those that are suspended. */
export interface Parties {
  readonly tenantId: string;
  readonly tenant: Tenant | undefined;
  readonly app: App | undefined;
  /** The app's tenant, if another one shares the app. */
  readonly owner: Tenant | undefined;
}

export async function findParties(
  { tenants, apps }: Rows,
  { tenantId, appUid }: { readonly tenantId: string; readonly appUid: string },
): Promise<Parties> {
  const [tenant, app] = await Promise.all([tenants.find(tenantId), apps.findByUid(appUid)]);
  const owner = app === undefined || app.tenantId === tenantId ? tenant : await tenants.find(app.tenantId);
  return { tenantId, tenant, app, owner };
}

/** TENANT_NOT_FOUND, TENANT_SUSPENDED, APP_NOT_FOUND, APP_SUSPENDED. */
export function activeParties({ tenantId, tenant: found, app, owner }: Parties): { tenant: Tenant; app: App } {
  const tenant = activeTenant(tenantId, found);
  return { tenant, app: activeApp(app, owner, tenant, appName(app ?? { tenantId, appId: '-' })) };
}

/** Neither tenant nor app is missing or suspended. */
export function isActive(parties: Parties): boolean {
  try {
    activeParties(parties);
    return true;
  } catch (error) {
    if (isVaultError(error)) return false;
    throw error;
  }
}

export function checkNotSuspended(connection: Connection): void {
  if (connection.suspendTime === undefined) return;
  throw suspended('CONNECTION_SUSPENDED', { name: connectionName(connection), resumedBy: 'ResumeConnection' });
}

function activeTenant(tenantId: string, tenant: Tenant | undefined): Tenant {
  if (tenant === undefined) throw tenantNotFound(tenantId);
  if (tenant.state !== 'SUSPENDED') return tenant;
  throw suspended('TENANT_SUSPENDED', { name: `tenants/${tenantId}`, resumedBy: 'ResumeTenant' });
}

/** One error for an app that does not exist and one that is not shared: the tenant may not learn which. */
function activeApp(app: App | undefined, owner: Tenant | undefined, { tenantId }: Tenant, name: string): App {
  if (app === undefined || !isSharedWith(app, tenantId)) {
    throw new VaultError(
      'APP_NOT_FOUND',
      `${name} does not exist, or is not shared with tenants/${tenantId}. Name a shared app in app, or create one with CreateApp.`,
      { metadata: { resource: name } },
    );
  }
  if (!app.suspended && owner?.state !== 'SUSPENDED') return app;
  throw suspended('APP_SUSPENDED', { name, resumedBy: app.suspended ? 'UpdateApp' : 'ResumeTenant' });
}
