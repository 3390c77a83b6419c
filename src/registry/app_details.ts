import type { App } from '../model/app.ts';
import type { AppDetails } from './apps.ts';
import type { RegistryParts } from './registry_parts.ts';

/** The app with its credentials, read now. */
export async function appDetails(
  { stores, authorizationServer }: Pick<RegistryParts, 'stores' | 'authorizationServer'>,
  app: App,
): Promise<AppDetails> {
  const credentials = await stores.apps.credentials(app.uid);
  return { app, credentials, throttledUntil: authorizationServer.throttledUntil(app.uid) };
}

/** Read again after a probe, which may have changed both; as `known` where the database does not answer, for what was done is done. */
export async function detailsAfter(
  parts: Pick<RegistryParts, 'stores' | 'authorizationServer'>,
  known: AppDetails,
): Promise<AppDetails> {
  try {
    return await appDetails(parts, (await parts.stores.apps.findByUid(known.app.uid)) ?? known.app);
  } catch {
    return known;
  }
}
