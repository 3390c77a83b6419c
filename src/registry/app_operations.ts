import { appName } from '../model/connection.ts';
import type { App } from '../model/entra_app.ts';
import { checkEtag } from '../model/etag.ts';
import type { Page } from '../model/page.ts';
import { appInUse, checkSharingChange, sharedAppInUse } from './app_in_use_errors.ts';
import type { AppDetails, AppId, CreateApp, CreatedApp, ListApps, UpdateApp } from './app_request_types.ts';
import { updatedApp } from './check_app_fields.ts';
import { createApp } from './create_app.ts';
import { createLookup } from './find_resource_by_id.ts';
import { itemsOfWholePage } from './items_of_whole_page.ts';
import { type AppCredentials, listCredentials } from './list_credentials.ts';
import { appDetails } from './read_app_details.ts';
import type { RegistryParts } from './registry_dependencies.ts';

/** Entra app registrations. In requests, `''` and `[]` mean "not set", as on the wire. */
export type Apps = ReturnType<typeof createApps>;

export function createApps(parts: RegistryParts) {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const lookup = createLookup(stores);

  /** So that neither cached tokens nor recorded failures outlive a change of the app. */
  function forget({ uid }: App): void {
    authorizationServer.forget(uid);
    changes.announce({ kind: 'app', uid });
  }

  /**
   * Suspends the app and deletes its connections. No commit spans them and the app: a stale etag fails at the suspension,
   * before anything is deleted, and an interruption leaves a suspended app that can be deleted again.
   */
  async function emptied(app: App): Promise<App> {
    const suspended = await stores.apps.update(app, { ...app, suspended: true, updateTime: clock.now() });
    changes.announce({ kind: 'app', uid: app.uid });
    let next: string | undefined;
    do {
      const page = await stores.connections.list({ size: 1_000, after: next }, { tenantIds: [app.tenantId] });
      for (const connection of itemsOfWholePage(page)) {
        if (connection.appUid !== app.uid) continue;
        await stores.connections.delete(connection, true);
        changes.announce({ kind: 'connection', uid: connection.uid });
      }
      next = page.next;
    } while (next !== undefined);
    // An exchange in progress may have changed the app's state meanwhile.
    return (await stores.apps.findByUid(app.uid)) ?? suspended;
  }

  return {
    /** TENANT_NOT_FOUND, FIELD_INVALID, APP_EXISTS. */
    create: (request: CreateApp): Promise<CreatedApp> => createApp(parts, request),

    /** TENANT_NOT_FOUND, APP_NOT_FOUND. */
    async get({ tenantId, appId }: AppId): Promise<AppDetails> {
      return appDetails(parts, await lookup.app(tenantId, appId));
    },

    /** In the order of (tenant id, app id). */
    async list({ tenantId, tenantIds, page }: ListApps): Promise<Page<AppDetails>> {
      if (tenantId !== undefined) await lookup.tenant(tenantId);
      const listed = await stores.apps.list(page, tenantId === undefined ? tenantIds : [tenantId]);
      return { ...listed, items: await Promise.all(listed.items.map((app) => appDetails(parts, app))) };
    },

    listCredentials: (request: ListApps): Promise<Page<AppCredentials>> => listCredentials(parts, request),

    /** APP_NOT_FOUND, FIELD_INVALID, ETAG_MISMATCH, APP_IN_USE. */
    async update({ tenantId, appId, etag, fields, updateMask }: UpdateApp): Promise<AppDetails> {
      const tenant = await lookup.tenant(tenantId);
      const before = await lookup.app(tenantId, appId);
      checkEtag(before, etag, appName(before));
      const { after, logo } = updatedApp(before, fields, updateMask, { scopes, tenant, now: clock.now() });
      await checkSharingChange(stores, before, after);
      const stored = await stores.apps.update(before, after, logo);
      forget(stored);
      return appDetails(parts, stored);
    },

    /** APP_IN_USE: connections of its own tenant without `force`, or of other tenants even with it. */
    async delete({ tenantId, appId, etag, force }: AppId & DeleteOptions): Promise<void> {
      const app = await lookup.app(tenantId, appId);
      const name = appName(app);
      checkEtag(app, etag, name);
      const foreign = await stores.apps.countForeignConnections(app);
      if (foreign > 0) throw sharedAppInUse(name, foreign);
      const own = await stores.apps.countConnections(app.uid);
      if (own > 0 && !force) throw appInUse(name, own, 'Delete them, or set force to delete them with the app.');
      await stores.apps.delete(own > 0 ? await emptied(app) : app);
      forget(app);
    },
  };
}

interface DeleteOptions {
  readonly etag: string;
  /** Deletes the connections of the app's own tenant too. */
  readonly force: boolean;
}
