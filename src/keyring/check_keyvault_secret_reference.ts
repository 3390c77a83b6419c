import { fieldInvalid, type VaultError } from '../model/errors.ts';
import { parseKeySource } from './create_root_key_source.ts';
import { type KeyVaultLocation, parseKeyVaultLocation } from './keyvault_location.ts';

export interface SecretReference extends KeyVaultLocation {
  /** The normalized address. */
  readonly uri: string;
}

/** Checks references to Key Vault secrets. `vaults` are origins; `keySource` is the source of the root key. */
export function createSecretReferences({
  vaults,
  keySource,
}: {
  readonly vaults: readonly string[];
  readonly keySource: string;
}) {
  const allowed = new Set(vaults.map((vault) => new URL(vault).origin));
  const rootKey = rootKeyIn(keySource);
  return {
    /** As `SecretSource.checkUri`. FIELD_INVALID. */
    check(field: string, secretUri: string): SecretReference {
      const reference = readReference(secretUri);
      if (reference === undefined) throw fieldInvalid(field, MALFORMED);
      const { vaultUrl, name } = reference;
      if (!allowed.has(vaultUrl)) throw notAllowed(field, vaults);
      if (rootKey?.vaultUrl === vaultUrl && rootKey.name === name) throw fieldInvalid(field, IS_ROOT_KEY);
      return reference;
    },
  };
}

const MALFORMED =
  'must be https://NAME.vault.azure.net/secrets/SECRET, with /VERSION at the end to stay with one version';
const IS_ROOT_KEY = 'this secret is the root key of this service (TOKENVAULT_KEY_SOURCE), not a client secret';

function notAllowed(field: string, vaults: readonly string[]): VaultError {
  const why = vaults.length === 0 ? 'is not set' : 'does not include it';
  return fieldInvalid(
    field,
    `this key vault is not allowed: TOKENVAULT_KEY_VAULTS ${why}. The operator of this service can add it`,
  );
}

/** Whether allowed or not; undefined: not the address of a secret. */
export function readReference(secretUri: string): SecretReference | undefined {
  const found = parseKeyVaultLocation(secretUri.trim(), 'secrets');
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
