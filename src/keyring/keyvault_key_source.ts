import { randomBytes } from 'node:crypto';
import { SECOND } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { createKek, KEK_BYTES, type Kek, kekFault } from './key_encryption_key.ts';
import { type KeyVaultLocation, parseKeyVaultLocation } from './keyvault_location.ts';
import { type KeySource, pairKeks } from './root_key_source.ts';
import { createCryptographyAccess, createKeyAccess, type KeyVaultAccessParts } from './run_with_azure_sdk_client.ts';
import { ALGORITHM, readWrappedKey, type WrappedKey, writeWrappedKey } from './wrapped_root_key_file.ts';

export interface KeyVaultKeySpec {
  /** `https://NAME.vault.azure.net/keys/KEY` */
  readonly url: string;
  /** The file of the wrapped root key; the previous one is in `<path>.previous`. */
  readonly path: string;
}

export interface KeyVaultKeySourceParts extends KeyVaultKeySpec, Partial<KeyVaultAccessParts> {}

/**
 * Root keys in files, each wrapped by an RSA key that never leaves Azure Key Vault or its HSM. Requires `unwrapKey` (role
 * "Key Vault Crypto Service Encryption User"), once per file, at the start. RSA wrapping authenticates nobody: that a
 * root key is the right one is proved by the canary of the database, so only root keys are wrapped by it.
 * https://learn.microsoft.com/rest/api/keyvault/keys/unwrap-key
 */
export function createKeyVaultKeySource({
  url,
  path,
  timeout = 20 * SECOND,
  ...parts
}: KeyVaultKeySourceParts): KeySource {
  const key = parseKeyUrl(url);
  const access = createCryptographyAccess({ ...parts, timeout });

  async function unwrap(file: string, { version, value }: WrappedKey): Promise<Kek> {
    const { result } = await access({ ...key, version }, (client, abortSignal) =>
      client.unwrapKey(ALGORITHM, value, { abortSignal }),
    );
    // A copy, so that erasing the key leaves no second one in memory.
    const bytes = Buffer.from(result);
    result.fill(0);
    const fault = kekFault(bytes);
    if (fault !== undefined) throw notARootKey(file, fault);
    return createKek(bytes);
  }

  return {
    name: `keyvault-key:${url},${path}`,
    async load() {
      const [current, previous] = await Promise.all([
        readWrappedKey(path, key),
        readWrappedKey(`${path}.previous`, key),
      ]);
      if (current === undefined) throw missing(path);
      return pairKeks(
        await unwrap(path, current),
        previous === undefined ? undefined : await unwrap(`${path}.previous`, previous),
      );
    },
  };
}

/**
 * Writes a new root key, wrapped by the newest version of the key. Requires `get` and `wrapKey`. Never
 * overwrites. Fails with KEY_SOURCE_UNAVAILABLE.
 */
export async function createWrappedKeyFile({
  url,
  path,
  timeout = 20 * SECOND,
  ...parts
}: KeyVaultKeySourceParts): Promise<Kek> {
  const key = parseKeyUrl(url);
  const access = createKeyAccess({ ...parts, timeout });
  const bytes = randomBytes(KEK_BYTES);
  const wrapped = await access(key, async (client, abortSignal) => {
    const { id: kid = '', properties } = await client.getKey(key.name, { abortSignal });
    const { version: keyVersion = '' } = properties;
    const cryptography = client.getCryptographyClient(key.name, { keyVersion });
    return { kid, value: (await cryptography.wrapKey(ALGORITHM, bytes, { abortSignal })).result };
  });
  await writeWrappedKey(path, wrapped, key);
  return createKek(bytes);
}

/** Fails with FIELD_INVALID. The file names the version of the key. */
export function parseKeyUrl(url: string): KeyVaultLocation {
  const key = parseKeyVaultLocation(url, 'keys');
  if (key !== undefined && key.version === undefined) return key;
  throw fieldInvalid(
    'TOKENVAULT_KEY_SOURCE',
    'must be keyvault-key:https://NAME.vault.azure.net/keys/KEY,PATH without a version: the file at PATH names it.',
  );
}

function missing(file: string): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    `The wrapped root key ${file} does not exist. Restore it: without it, no record opens. For a new vault, create it with \`token-vault keys create\`.`,
  );
}

function notARootKey(file: string, fault: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The root key in ${file} ${fault}. Restore the file from its copy.`);
}
