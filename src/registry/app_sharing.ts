import { type App, isSharedWith } from '../model/app.ts';
import { appName } from '../model/connection.ts';
import type { Stores } from '../store/stores.ts';
import { sharedAppInUse } from './app_in_use.ts';

/** APP_IN_USE where a tenant that connects through the app would no longer be allowed to. */
export async function refuseCuttingOff(
  stores: Pick<Stores, 'apps' | 'connections'>,
  before: App,
  after: App,
): Promise<void> {
  const mayLose = before.sharedWith.some((tenant) => !isSharedWith(after, tenant));
  if (!mayLose || (await stores.apps.countForeignConnections(before)) === 0) return;
  // Whom `*` let in only the connections tell.
  const tenantIds = before.sharedWith.includes('*') ? undefined : before.sharedWith;
  let cutOff = 0;
  let next: string | undefined;
  do {
    const page = await stores.connections.list({ size: 1_000, after: next }, { tenantIds });
    cutOff += page.items.filter(
      ({ appUid, tenantId }) => appUid === before.uid && !isSharedWith(after, tenantId),
    ).length;
    next = page.next;
  } while (next !== undefined && cutOff === 0);
  if (cutOff > 0) throw sharedAppInUse(appName(before), cutOff);
}
