import type { Credential } from '../model/app_credential.ts';
import type { App } from '../model/entra_app.ts';
import type { Page } from '../model/page.ts';
import type { RegistrationReading } from '../model/unknown_credential.ts';
import type { ListApps } from './app_request_types.ts';
import { createLookup } from './find_resource_by_id.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** The credentials of one app. */
export interface AppCredentials {
  readonly app: App;
  /** In the order of adding. */
  readonly credentials: readonly Credential[];
  /** Undefined: the registration was never read. */
  readonly reading: RegistrationReading | undefined;
}

/** In the order of (tenant id, app id). TENANT_NOT_FOUND. */
export async function listCredentials(
  { stores }: Pick<RegistryParts, 'stores'>,
  { tenantId, tenantIds, page }: ListApps,
): Promise<Page<AppCredentials>> {
  if (tenantId !== undefined) await createLookup(stores).tenant(tenantId);
  const listed = await stores.apps.list(page, tenantId === undefined ? tenantIds : [tenantId]);
  const readings = await stores.inspections.readings(listed.items.map(({ uid }) => uid));
  const items = listed.items.map(async (app) => {
    return { app, credentials: await stores.apps.credentials(app.uid), reading: readings.get(app.uid) };
  });
  return { ...listed, items: await Promise.all(items) };
}
