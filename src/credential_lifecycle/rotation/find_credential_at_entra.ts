import type { Registered } from '../../entra/app_registrations_interface.ts';
import type { Credential } from '../../model/app_credential.ts';
import type { App } from '../../model/entra_app.ts';
import { ownCredentials, registeredCredentials } from '../matching/credentials_to_match.ts';
import { matchRegistered } from '../matching/match_credentials_with_entra.ts';
import type { RotationParts } from './rotation_dependencies.ts';

/**
 * Graph's key id of a secret or certificate; undefined if it is ambiguous. Because a removal is final, an id found by the expiry date
 * alone is not enough: the first characters, or the thumbprint, must match too.
 */
export async function findKeyId(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  { uid, entraKeyId }: Credential,
  registration: Registered,
): Promise<string | undefined> {
  const own = ownCredentials(await stores.apps.usableCredentials(app));
  const registered = registeredCredentials(registration);
  const known = entraKeyId ?? matchRegistered(own, registered).matches.get(uid)?.keyId;
  const entry = registered.find(({ keyId }) => keyId === known);
  const mark = own.find((one) => one.uid === uid)?.mark;
  return entry === undefined || entry.mark === mark ? known : undefined;
}

/** By another app or a Key Vault reference of this vault, or by the vault from whose database this one was copied. */
export async function isUsedElsewhere(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  keyId: string,
): Promise<boolean> {
  return old.createTime <= stores.instance.copyTime || (await stores.rotations.isUsedElsewhere(app, old, keyId));
}
