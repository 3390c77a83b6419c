import type { App } from '../model/app.ts';
import type { Credential } from '../model/credential.ts';
import type { AppDetails } from './app_requests.ts';
import type { RegistryParts } from './registry_parts.ts';

type DetailsParts = Pick<RegistryParts, 'stores' | 'authorizationServer' | 'logosUri'>;

/** The app with its credentials and their renewal, read now. */
export async function appDetails(parts: DetailsParts, app: App): Promise<AppDetails> {
  const { apps, rotations } = parts.stores;
  const [credentials, rotation] = await Promise.all([apps.credentials(app.uid), rotations.find(app.uid)]);
  const throttledUntil = parts.authorizationServer.throttledUntil(app.uid);
  return { ...newAppDetails(parts, app, credentials), rotation, throttledUntil };
}

/** Of an app that Entra was not asked about yet. */
export function newAppDetails(
  { logosUri }: Pick<RegistryParts, 'logosUri'>,
  app: App,
  credentials: readonly Credential[],
): AppDetails {
  const logoUri = app.logoHash === undefined ? undefined : `${logosUri}/${app.logoHash}`;
  return { app, credentials, rotation: undefined, logoUri, throttledUntil: undefined };
}

/** Read again after a probe, which may have changed both; as `known` where the database does not answer, for what was done is done. */
export async function detailsAfter(parts: DetailsParts, known: AppDetails): Promise<AppDetails> {
  try {
    return await appDetails(parts, (await parts.stores.apps.findByUid(known.app.uid)) ?? known.app);
  } catch {
    return known;
  }
}
