import type { SecretClient, SecretProperties } from '@azure/keyvault-secrets';
import { SECOND } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { createKek, KEK_BYTES, type Kek, kekFault } from './key_encryption_key.ts';
import { type KeyVaultLocation, parseKeyVaultLocation } from './keyvault_location.ts';
import { type Keks, type KeySource, pairKeks } from './root_key_source.ts';
import { createSecretAccess, type KeyVaultAccessParts } from './run_with_azure_sdk_client.ts';

export interface KeyVaultSecretKeySourceParts extends Partial<KeyVaultAccessParts> {
  /** `https://NAME.vault.azure.net/secrets/SECRET`, with `/VERSION` to pin the current key. */
  url: string;
}

/**
 * Root keys in a Key Vault secret whose value is the base64 of 32 random bytes: its newest enabled version, and the
 * enabled version before it. Requires get and list on secrets (role "Key Vault
 * Secrets User"). Ignores the dates of a version (nbf, exp): a date must not lock a vault out.
 * https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions
 */
export function createKeyVaultSecretKeySource({
  url,
  timeout = 20 * SECOND,
  ...parts
}: KeyVaultSecretKeySourceParts): KeySource {
  const secret = parseSecretUrl(url);
  const access = createSecretAccess({ ...parts, timeout });
  return {
    name: `keyvault-secret:${url}`,
    load: () => access(secret, (client, abortSignal) => loadKeks(client, secret, abortSignal)),
  };
}

/** Fails with FIELD_INVALID. */
export function parseSecretUrl(url: string): KeyVaultLocation {
  const secret = parseKeyVaultLocation(url, 'secrets');
  if (secret !== undefined) return secret;
  throw fieldInvalid(
    'TOKENVAULT_KEY_SOURCE',
    'must be keyvault-secret:https://NAME.vault.azure.net/secrets/SECRET, with /VERSION at the end to pin one.',
  );
}

async function loadKeks(client: SecretClient, secret: KeyVaultLocation, abortSignal: AbortSignal): Promise<Keks> {
  const versions: SecretProperties[] = [];
  for await (const version of client.listPropertiesOfSecretVersions(secret.name, { abortSignal }))
    versions.push(version);
  const [current, previous] = chooseVersions(secret, versions);
  return pairKeks(
    await readKek(client, secret, current, abortSignal),
    previous === undefined ? undefined : await readKek(client, secret, previous, abortSignal),
  );
}

function chooseVersions(secret: KeyVaultLocation, versions: readonly SecretProperties[]): [string, string?] {
  const enabled = versions
    .filter((version) => version.enabled !== false)
    .flatMap(({ version, createdOn }) => (version === undefined ? [] : { version, created: createdOn?.getTime() ?? 0 }))
    // Creation times are in seconds. If two are equal, the version decides, so that every start chooses the same.
    .sort((a, b) => b.created - a.created || (a.version < b.version ? 1 : -1));
  const start = secret.version === undefined ? 0 : enabled.findIndex(({ version }) => version === secret.version);
  const current = enabled[start];
  if (current === undefined) {
    const which = secret.version === undefined ? 'has no enabled version' : `has no enabled version ${secret.version}`;
    throw unusable(secret, `${which}. Set or enable the version that holds the root key of this database`);
  }
  const previous = enabled[start + 1];
  return previous === undefined ? [current.version] : [current.version, previous.version];
}

async function readKek(
  client: SecretClient,
  secret: KeyVaultLocation,
  version: string,
  abortSignal: AbortSignal,
): Promise<Kek> {
  const { value = '' } = await client.getSecret(secret.name, { version, abortSignal });
  const text = value.trim();
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips characters that are not base64, so compare with the encoded result.
  const isBase64 = bytes.toString('base64') === text;
  const fault = isBase64 ? kekFault(bytes) : 'is not base64';
  if (fault !== undefined) {
    throw unusable(
      secret,
      `version ${version} ${fault}. Set the base64 of ${KEK_BYTES} random bytes, or disable the version`,
    );
  }
  return createKek(bytes, version);
}

function unusable(secret: KeyVaultLocation, fault: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The secret ${secret.name} in ${secret.vaultUrl} ${fault}.`);
}
