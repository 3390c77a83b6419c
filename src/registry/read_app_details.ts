import type { Credential } from '../model/app_credential.ts';
import type { App } from '../model/entra_app.ts';
import type { AppDetails } from './app_request_types.ts';
import type { RegistryParts } from './registry_dependencies.ts';

type DetailsParts = Pick<RegistryParts, 'stores' | 'authorizationServer' | 'logosUri'>;

/** The app with its credentials and their rotation, read now. */
export async function appDetails(parts: DetailsParts, app: App): Promise<AppDetails> {
  const { apps, rotations } = parts.stores;
  const [credentials, rotation] = await Promise.all([apps.credentials(app.uid), rotations.find(app.uid)]);
  const throttledUntil = parts.authorizationServer.throttledUntil(app.uid);
  return { ...newAppDetails(parts, app, credentials), rotation, throttledUntil };
}

/** For an app that has sent no request to Entra yet. */
export function newAppDetails(
  { logosUri }: Pick<RegistryParts, 'logosUri'>,
  app: App,
  credentials: readonly Credential[],
): AppDetails {
  const logoUri = app.logoHash === undefined ? undefined : `${logosUri}/${app.logoHash}`;
  return { app, credentials, rotation: undefined, logoUri, throttledUntil: undefined };
}

/** Read again after a probe, which may have changed app and credentials; `known` if the database fails, because the call itself succeeded. */
export async function detailsAfter(parts: DetailsParts, known: AppDetails): Promise<AppDetails> {
  try {
    return await appDetails(parts, (await parts.stores.apps.findByUid(known.app.uid)) ?? known.app);
  } catch {
    return known;
  }
}
