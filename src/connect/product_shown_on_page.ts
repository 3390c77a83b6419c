import type { Branding } from '../model/branding.ts';
import type { App } from '../model/entra_app.ts';
import type { Tenant } from '../model/tenant.ts';

/** The product and tenant that a page names. */
export interface Product {
  /** The app's display name. */
  readonly name: string;
  /** The tenant's display name: who requests the connection. */
  readonly tenant: string;
  /** Hash of the logo, for `/logos/{hash}`. */
  readonly logo: string | undefined;
  readonly branding?: Branding | undefined;
}

export function productOf(
  tenant: Pick<Tenant, 'displayName'>,
  app: Pick<App, 'displayName' | 'logoHash' | 'branding'>,
): Product {
  return { name: app.displayName, tenant: tenant.displayName, logo: app.logoHash, branding: app.branding };
}
