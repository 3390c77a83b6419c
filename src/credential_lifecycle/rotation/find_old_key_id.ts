import type { Registered } from '../../entra/app_registrations.ts';
import type { App } from '../../model/app.ts';
import type { Credential } from '../../model/credential.ts';
import { matchRegistered } from '../matching/match_registered.ts';
import { ownCredentials, registeredCredentials } from '../matching/own_credentials.ts';
import type { RotationParts } from './rotation_parts.ts';

/**
 * By which Graph knows the old secret; undefined: nobody can tell which one it is. What is removed by it never comes back, so that an id
 * that was found by an end alone does not do: the first characters must be alike, too.
 */
export async function findOldKeyId(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  registration: Registered,
): Promise<string | undefined> {
  const known = old.entraKeyId ?? (await foundKeyId({ stores }, app, old, registration));
  const entry = registration.passwords.find(({ keyId }) => keyId === known);
  return entry === undefined || entry.hint === old.hint ? known : undefined;
}

async function foundKeyId(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  registration: Registered,
): Promise<string | undefined> {
  const ours = ownCredentials(await stores.apps.usableCredentials(app.uid));
  return matchRegistered(ours, registeredCredentials(registration)).matches.get(old.uid)?.keyId;
}
