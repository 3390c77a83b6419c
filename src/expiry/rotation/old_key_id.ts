import type { Registered } from '../../entra/app_registrations.ts';
import type { App } from '../../model/app.ts';
import type { Credential } from '../../model/credential.ts';
import { matchRegistered } from '../inspection/match_registered.ts';
import { ownCredentials, registeredCredentials } from '../inspection/own_credentials.ts';
import type { RotationParts } from './rotation_parts.ts';

/** By which Graph knows the old secret; undefined: nobody can tell which one it is. */
export async function oldKeyId(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  registration: Registered,
): Promise<string | undefined> {
  if (old.entraKeyId !== undefined) return old.entraKeyId;
  const ours = ownCredentials(await stores.apps.usableCredentials(app.uid));
  return matchRegistered(ours, registeredCredentials(registration)).matches.get(old.uid)?.keyId;
}
