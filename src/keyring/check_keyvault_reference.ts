import { fieldInvalid, type VaultError } from '../model/errors.ts';
import { parseKeySource } from './create_root_key_source.ts';
import { type KeyVaultCollection, type KeyVaultLocation, parseKeyVaultLocation } from './keyvault_location.ts';

export interface KeyVaultReference extends KeyVaultLocation {
  /** The normalized address. */
  readonly uri: string;
}

/** What credentials may refer to in a key vault. */
type Collection = Exclude<KeyVaultCollection, 'keys'>;

/** Checks references to Key Vault secrets or certificates. `vaults` are origins; `keySource` is the source of the root key. */
export function createKeyVaultReferences(
  collection: Collection,
  { vaults, keySource }: { readonly vaults: readonly string[]; readonly keySource: string },
) {
  const allowed = new Set(vaults.map((vault) => new URL(vault).origin));
  const rootKey = rootKeyIn(keySource, collection);
  return {
    /** As `SecretSource.checkUri`. FIELD_INVALID. */
    check(field: string, uri: string): KeyVaultReference {
      const reference = readReference(uri, collection);
      if (reference === undefined) throw fieldInvalid(field, MALFORMED[collection]);
      const { vaultUrl, name } = reference;
      if (!allowed.has(vaultUrl)) throw notAllowed(field, vaults);
      // A certificate has the name of its key and its secret.
      if (rootKey?.vaultUrl === vaultUrl && rootKey.name === name) throw fieldInvalid(field, IS_ROOT_KEY[collection]);
      return reference;
    },
  };
}

const MALFORMED = {
  secrets: 'must be https://NAME.vault.azure.net/secrets/SECRET, with /VERSION at the end to stay with one version',
  certificates:
    'must be https://NAME.vault.azure.net/certificates/CERTIFICATE, with /VERSION at the end to stay with one version',
} as const satisfies Record<Collection, string>;

const IS_ROOT_KEY = {
  secrets: 'this secret is the root key of this service (TOKENVAULT_KEY_SOURCE), not a client secret',
  certificates:
    'this certificate has the name of the root key of this service (TOKENVAULT_KEY_SOURCE). Use another one',
} as const satisfies Record<Collection, string>;

function notAllowed(field: string, vaults: readonly string[]): VaultError {
  const why = vaults.length === 0 ? 'is not set' : 'does not include it';
  return fieldInvalid(
    field,
    `this key vault is not allowed: TOKENVAULT_KEY_VAULTS ${why}. The operator of this service can add it`,
  );
}

/** Whether allowed or not; undefined: not an address in this collection. */
export function readReference(uri: string, collection: KeyVaultCollection): KeyVaultReference | undefined {
  const found = parseKeyVaultLocation(uri.trim(), collection);
  if (found === undefined) return undefined;
  // "Case-insensitive identifier": https://learn.microsoft.com/azure/key-vault/general/about-keys-secrets-certificates
  const [name, version] = [found.name.toLowerCase(), found.version?.toLowerCase()];
  const address = `${found.vaultUrl}/${collection}/${name}${version === undefined ? '' : `/${version}`}`;
  return { vaultUrl: found.vaultUrl, name, version, uri: address };
}

/** Undefined: the root key cannot be in this collection. */
function rootKeyIn(keySource: string, collection: Collection): KeyVaultReference | undefined {
  const spec = parseKeySource(keySource);
  if (spec.kind === 'keyvault-secret') return readReference(spec.url, 'secrets');
  return spec.kind === 'keyvault-key' && collection === 'certificates' ? readReference(spec.url, 'keys') : undefined;
}
