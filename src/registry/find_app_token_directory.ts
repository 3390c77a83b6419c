import { type App, PERSONAL_DIRECTORY, registrationDirectory } from '../model/entra_app.ts';
import type { Stores } from '../store/store_interfaces.ts';

/** A directory in which the app can get app-only tokens: that of its registration, or if that is unknown, one of a connection's account. */
export async function knownDirectory(
  { connections }: Pick<Stores, 'connections'>,
  app: App,
): Promise<string | undefined> {
  const home = registrationDirectory(app);
  if (home !== undefined) return home;
  const filter = { tenantIds: [app.tenantId], state: 'ACTIVE' as const };
  const { items } = await connections.list({ size: 100, after: undefined }, filter);
  const shown = items.find((connection) => connection.appUid === app.uid && connection.account !== undefined);
  // The directory of personal accounts issues no app-only tokens.
  return shown?.account?.directoryId === PERSONAL_DIRECTORY ? undefined : shown?.account?.directoryId;
}
