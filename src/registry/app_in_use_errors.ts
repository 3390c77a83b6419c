import { appName } from '../model/connection.ts';
import { type App, isSharedWith } from '../model/entra_app.ts';
import { VaultError } from '../model/errors.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { itemsOfWholePage } from './items_of_whole_page.ts';

export function appInUse(resource: string, connections: number, next: string): VaultError {
  return new VaultError('APP_IN_USE', `${connections} connections use ${resource}. ${next}`, {
    metadata: { resource, connections: String(connections) },
  });
}

/** `force` does not help: an operator of one tenant must not disconnect users of another. */
export function sharedAppInUse(resource: string, connections: number): VaultError {
  return new VaultError(
    'APP_IN_USE',
    `${connections} connections of other tenants use ${resource}. Delete them or move them to another app first; force has no effect on them.`,
    { metadata: { resource, foreignConnections: String(connections) } },
  );
}

/** APP_IN_USE if a tenant with a connection through the app would lose access to it. */
export async function checkSharingChange(
  stores: Pick<Stores, 'apps' | 'connections'>,
  before: App,
  after: App,
): Promise<void> {
  const mayLose = before.sharedWith.some((tenant) => !isSharedWith(after, tenant));
  if (!mayLose || (await stores.apps.countForeignConnections(before)) === 0) return;
  // `*` does not list tenants, so all connections must be checked.
  const tenantIds = before.sharedWith.includes('*') ? undefined : before.sharedWith;
  let excluded = 0;
  let next: string | undefined;
  do {
    const page = await stores.connections.list({ size: 1_000, after: next }, { tenantIds });
    excluded += itemsOfWholePage(page).filter(
      ({ appUid, tenantId }) => appUid === before.uid && !isSharedWith(after, tenantId),
    ).length;
    next = page.next;
  } while (next !== undefined && excluded === 0);
  if (excluded > 0) throw sharedAppInUse(appName(before), excluded);
}
