import type { App } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import { checkEtag } from '../model/etag.ts';
import { appInUse, sharedAppInUse } from './app_in_use.ts';
import type { AppId } from './app_requests.ts';
import { createLookup } from './lookup.ts';
import type { RegistryParts } from './registry_parts.ts';

const PAGE = 1_000;

/** Forgets an app; with `force` its own tenant's connections too. */
export async function deleteApp(
  parts: Pick<RegistryParts, 'stores' | 'authorizationServer' | 'changes' | 'clock'>,
  { tenantId, appId, etag, force }: AppId & { readonly etag: string; readonly force: boolean },
): Promise<void> {
  const { stores, authorizationServer, changes } = parts;
  const app = await createLookup(stores).app(tenantId, appId);
  const name = appName(app);
  checkEtag(app, etag, name);
  const foreign = await stores.apps.countForeignConnections(app);
  if (foreign > 0) throw sharedAppInUse(name, foreign);
  const own = await stores.apps.countConnections(app.uid);
  if (own > 0 && !force) throw appInUse(name, own, 'delete them, or force');
  await stores.apps.delete(own > 0 ? await emptied(parts, app) : app);
  authorizationServer.forget(app.uid);
  changes.announce({ kind: 'app', uid: app.uid });
}

/**
 * No commit spans the connections and the app. So the app is suspended first, which is where a stale etag fails, before
 * anything is gone; whatever interrupts the rest leaves a suspended app, to be deleted again.
 */
async function emptied(
  { stores, changes, clock }: Pick<RegistryParts, 'stores' | 'changes' | 'clock'>,
  app: App,
): Promise<App> {
  const suspended = await stores.apps.update(app, { ...app, suspended: true, updateTime: clock.now() });
  changes.announce({ kind: 'app', uid: app.uid });
  let next: string | undefined;
  do {
    const page = await stores.connections.list({ size: PAGE, after: next }, { tenantIds: [app.tenantId] });
    for (const connection of page.items) {
      if (connection.appUid !== app.uid) continue;
      await stores.connections.delete(connection);
      changes.announce({ kind: 'connection', uid: connection.uid });
    }
    next = page.next;
  } while (next !== undefined);
  // An exchange that was under way may have recorded something of the app meanwhile.
  return (await stores.apps.findByUid(app.uid)) ?? suspended;
}
