import { fieldInvalid, type VaultError } from '../model/errors.ts';
import { parseKeySource } from './parse_key_source.ts';
import { parseSecretLocation, type SecretLocation } from './secret_location.ts';

export interface SecretReferences {
  /** As `SecretSource.checkUri`. FIELD_INVALID. */
  check(field: string, secretUri: string): SecretReference;
}

export interface SecretReference extends SecretLocation {
  /** The one form of its address. */
  readonly uri: string;
}

/** Which secrets of key vaults a credential may refer to. `vaults` are origins, `keySource` is where the root key lies. */
export function createSecretReferences({
  vaults,
  keySource,
}: {
  readonly vaults: readonly string[];
  readonly keySource: string;
}): SecretReferences {
  const allowed = new Set(vaults.map((vault) => new URL(vault).origin));
  const rootKey = rootKeyIn(keySource);
  return {
    check(field, secretUri) {
      const reference = readReference(secretUri);
      if (reference === undefined) throw malformed(field);
      const { vaultUrl, name } = reference;
      if (!allowed.has(vaultUrl)) throw notAllowed(field, vaults);
      if (rootKey?.vaultUrl === vaultUrl && rootKey.name === name) throw isRootKey(field);
      return reference;
    },
  };
}

/** Allowed or not; undefined where it is no address of a secret. */
export function readReference(secretUri: string): SecretReference | undefined {
  const found = parseSecretLocation(secretUri.trim());
  if (found === undefined) return undefined;
  // "Case-insensitive identifier": https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
  const [name, version] = [found.name.toLowerCase(), found.version?.toLowerCase()];
  const uri = `${found.vaultUrl}/secrets/${name}${version === undefined ? '' : `/${version}`}`;
  return { vaultUrl: found.vaultUrl, name, version, uri };
}

function rootKeyIn(keySource: string): SecretReference | undefined {
  const spec = parseKeySource(keySource);
  return spec.kind === 'keyvault-secret' ? readReference(spec.url) : undefined;
}

function malformed(field: string): VaultError {
  return fieldInvalid(
    field,
    'must be https://NAME.vault.azure.net/secrets/SECRET, with /VERSION at the end to stay with one version',
  );
}

function notAllowed(field: string, vaults: readonly string[]): VaultError {
  const why = vaults.length === 0 ? 'is not set, so that none is allowed' : 'names others';
  return fieldInvalid(
    field,
    `credentials may not refer to this key vault: TOKENVAULT_KEY_VAULTS ${why}. The operator of this service adds it there`,
  );
}

function isRootKey(field: string): VaultError {
  return fieldInvalid(
    field,
    'this secret holds the root key of this service (TOKENVAULT_KEY_SOURCE), and no client secret',
  );
}
