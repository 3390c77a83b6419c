import type { App } from '../model/app.ts';
import type { Tenant } from '../model/tenant.ts';
import type { Product } from './authorizations.ts';
import type { ConnectParts } from './connect_parts.ts';
import { catalogOf, OIDC_SCOPES } from './requested_scopes.ts';

export function productOf(tenant: Pick<Tenant, 'displayName'>, app: Pick<App, 'displayName' | 'logoHash'>): Product {
  return { name: app.displayName, tenant: tenant.displayName, logo: app.logoHash };
}

/** Also of those who are suspended: a page may still say on whose behalf it speaks. */
export async function findProduct(
  { stores }: Pick<ConnectParts, 'stores'>,
  { tenantId, appUid }: { readonly tenantId: string; readonly appUid: string },
): Promise<Product | undefined> {
  const [tenant, app] = await Promise.all([stores.tenants.find(tenantId), stores.apps.findByUid(appUid)]);
  return tenant && app && productOf(tenant, app);
}

/** What a page tells of what is asked: for whom, and what for. */
export function described(
  { scopes }: Pick<ConnectParts, 'scopes'>,
  {
    tenant,
    app,
    productScopes,
  }: { readonly tenant: Tenant; readonly app: App; readonly productScopes: readonly string[] },
) {
  const implicit = [...app.implicitPermissions, ...OIDC_SCOPES];
  return {
    product: productOf(tenant, app),
    ...scopes.consentTexts(catalogOf(tenant, app), { scopes: productScopes, implicit }),
  };
}
