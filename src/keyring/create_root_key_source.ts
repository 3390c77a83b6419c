import { fieldInvalid } from '../model/errors.ts';
import { createFileKeySource, type FileKeySourceParts } from './file_root_key_source.ts';
import {
  createKeyVaultSecretKeySource,
  type KeyVaultSecretKeySourceParts,
  parseSecretUrl,
} from './keyvault_root_key_source.ts';
import type { KeySource } from './root_key_source.ts';

export type KeySourceSpec = { kind: 'file'; path: string } | { kind: 'keyvault-secret'; url: string };

const FIELD = 'TOKENVAULT_KEY_SOURCE';

/** `file:PATH` or `keyvault-secret:URL`. Fails with FIELD_INVALID. */
export function parseKeySource(spec: string): KeySourceSpec {
  const colon = spec.indexOf(':');
  const kind = spec.slice(0, Math.max(colon, 0));
  const rest = spec.slice(colon + 1);
  switch (kind) {
    case 'file':
      if (rest === '') throw fieldInvalid(FIELD, 'file: must be followed by a path, as in file:./keys/kek.');
      return { kind, path: rest };
    case 'keyvault-secret':
      parseSecretUrl(rest);
      return { kind, url: rest };
    case 'keyvault-key':
      throw fieldInvalid(FIELD, 'keyvault-key: is not supported yet. Use keyvault-secret:URL or file:PATH.');
    default:
      throw fieldInvalid(FIELD, 'must be file:PATH or keyvault-secret:https://NAME.vault.azure.net/secrets/SECRET.');
  }
}

/** Fails with FIELD_INVALID. Accesses neither files nor the network before `load`. */
export function createKeySource(
  spec: string,
  {
    credentialsDirectory,
    ...parts
  }: Omit<KeyVaultSecretKeySourceParts, 'url'> & Pick<FileKeySourceParts, 'credentialsDirectory'> = {},
): KeySource {
  const parsed = parseKeySource(spec);
  return parsed.kind === 'file'
    ? createFileKeySource({ path: parsed.path, credentialsDirectory })
    : createKeyVaultSecretKeySource({ ...parts, url: parsed.url });
}
