import { type App, PERSONAL_DIRECTORY, registrationDirectory } from '../model/app.ts';
import type { Stores } from '../store/stores.ts';

/** A directory in which the app can sign in for itself: where it is registered; where nobody said that, one that a connection has shown. */
export async function knownDirectory(
  { connections }: Pick<Stores, 'connections'>,
  app: App,
): Promise<string | undefined> {
  const home = registrationDirectory(app);
  if (home !== undefined) return home;
  const filter = { tenantIds: [app.tenantId], state: 'ACTIVE' as const };
  const { items } = await connections.list({ size: 100, after: undefined }, filter);
  const shown = items.find((connection) => connection.appUid === app.uid && connection.account !== undefined);
  // Personal accounts have a directory of their own, in which no app can sign in for itself.
  return shown?.account?.directoryId === PERSONAL_DIRECTORY ? undefined : shown?.account?.directoryId;
}
