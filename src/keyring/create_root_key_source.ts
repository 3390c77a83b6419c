import { fieldInvalid } from '../model/errors.ts';
import { createFileKeySource, type FileKeySourceParts } from './file_root_key_source.ts';
import { createKeyVaultKeySource, type KeyVaultKeySpec, parseKeyUrl } from './keyvault_key_source.ts';
import {
  createKeyVaultSecretKeySource,
  type KeyVaultSecretKeySourceParts,
  parseSecretUrl,
} from './keyvault_secret_key_source.ts';
import type { KeySource } from './root_key_source.ts';

export type KeySourceSpec =
  | { kind: 'file'; path: string }
  | { kind: 'keyvault-secret'; url: string }
  | ({ kind: 'keyvault-key' } & KeyVaultKeySpec);

const FIELD = 'TOKENVAULT_KEY_SOURCE';

/** `file:PATH`, `keyvault-secret:URL` or `keyvault-key:URL,PATH`. Fails with FIELD_INVALID. */
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
      return { kind, ...parseKeySpec(rest) };
    default:
      throw fieldInvalid(
        FIELD,
        'must be file:PATH, keyvault-secret:https://NAME.vault.azure.net/secrets/SECRET, or ' +
          'keyvault-key:https://NAME.vault.azure.net/keys/KEY,PATH.',
      );
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
  switch (parsed.kind) {
    case 'file':
      return createFileKeySource({ path: parsed.path, credentialsDirectory });
    case 'keyvault-secret':
      return createKeyVaultSecretKeySource({ ...parts, url: parsed.url });
    case 'keyvault-key':
      return createKeyVaultKeySource({ ...parts, url: parsed.url, path: parsed.path });
  }
}

function parseKeySpec(rest: string): KeyVaultKeySpec {
  const comma = rest.indexOf(',');
  const [url, path] = comma === -1 ? [rest, ''] : [rest.slice(0, comma), rest.slice(comma + 1)];
  parseKeyUrl(url);
  if (path !== '') return { url, path };
  throw fieldInvalid(
    FIELD,
    'the address of the key must be followed by a comma and the path of the wrapped root key, as in ' +
      'keyvault-key:https://NAME.vault.azure.net/keys/KEY,./keys/kek.wrapped.',
  );
}
