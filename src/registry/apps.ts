import { appName } from '../model/connection.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page } from '../model/page.ts';
import { appDetails } from './app_details.ts';
import type { AppDetails, AppId, CreateApp, CreatedApp, ListApps, UpdateApp } from './app_requests.ts';
import { refuseCuttingOff } from './app_sharing.ts';
import { updatedApp } from './app_update.ts';
import { createApp } from './create_app.ts';
import { deleteApp } from './delete_app.ts';
import { createLookup } from './lookup.ts';
import type { RegistryParts } from './registry_parts.ts';

/** Entra app registrations, as an operator sees them. In requests `''` and `[]` stand for "not given", as on the wire. */
export interface Apps {
  /** TENANT_NOT_FOUND, FIELD_INVALID, APP_EXISTS. */
  create(request: CreateApp): Promise<CreatedApp>;
  /** TENANT_NOT_FOUND, APP_NOT_FOUND. */
  get(app: AppId): Promise<AppDetails>;
  /** In the order of (tenant id, app id). */
  list(request: ListApps): Promise<Page<AppDetails>>;
  /** APP_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH, APP_IN_USE. */
  update(request: UpdateApp): Promise<AppDetails>;
  /** APP_IN_USE: connections of its own tenant and no `force`, or of other tenants even with it. */
  delete(request: AppId & { readonly etag: string; readonly force: boolean }): Promise<void>;
}

export function createApps(parts: RegistryParts): Apps {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const lookup = createLookup(stores);

  return {
    create: (request) => createApp(parts, request),

    async get({ tenantId, appId }) {
      return appDetails(parts, await lookup.app(tenantId, appId));
    },

    async list({ tenantId, tenantIds, page }) {
      if (tenantId !== undefined) await lookup.tenant(tenantId);
      const { items, next } = await stores.apps.list(page, tenantId === undefined ? tenantIds : [tenantId]);
      return { items: await Promise.all(items.map((app) => appDetails(parts, app))), next };
    },

    async update({ tenantId, appId, etag, fields, updateMask }) {
      const tenant = await lookup.tenant(tenantId);
      const before = await lookup.app(tenantId, appId);
      checkEtag(before, etag, appName(before));
      const { after, logo } = updatedApp(before, fields, updateMask, { scopes, tenant, now: clock.now() });
      await refuseCuttingOff(stores, before, after);
      const stored = await stores.apps.update(before, after, logo);
      authorizationServer.forget(stored.uid);
      changes.announce({ kind: 'app', uid: stored.uid });
      return appDetails(parts, stored);
    },

    delete: (request) => deleteApp(parts, request),
  };
}
