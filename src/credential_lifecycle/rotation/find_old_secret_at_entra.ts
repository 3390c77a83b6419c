import type { Registered } from '../../entra/app_registrations_interface.ts';
import type { Credential } from '../../model/app_credential.ts';
import type { App } from '../../model/entra_app.ts';
import { ownCredentials, registeredCredentials } from '../matching/credentials_to_match.ts';
import { matchRegistered } from '../matching/match_credentials_with_entra.ts';
import type { RotationParts } from './rotation_dependencies.ts';

/**
 * Graph's key id of the old secret; undefined if it is ambiguous. Because a removal is final, an id found by the expiry date alone is
 * not enough: the first characters must match too.
 */
export async function findOldKeyId(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  registration: Registered,
): Promise<string | undefined> {
  const matched = async () => {
    const own = ownCredentials(await stores.apps.usableCredentials(app));
    return matchRegistered(own, registeredCredentials(registration)).matches.get(old.uid)?.keyId;
  };
  const known = old.entraKeyId ?? (await matched());
  const entry = registration.passwords.find(({ keyId }) => keyId === known);
  return entry === undefined || entry.hint === old.hint ? known : undefined;
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
