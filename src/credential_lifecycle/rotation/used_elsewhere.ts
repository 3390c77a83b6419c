import type { App } from '../../model/app.ts';
import type { Credential } from '../../model/credential.ts';
import type { RotationParts } from './rotation_parts.ts';

/** By another app or a reference of this vault; or by the vault of the file that this database is a copy of. */
export async function isUsedElsewhere(
  { stores }: Pick<RotationParts, 'stores'>,
  app: App,
  old: Credential,
  keyId: string,
): Promise<boolean> {
  return old.createTime <= stores.copyTime || (await stores.rotations.isUsedElsewhere(app, old, keyId));
}
