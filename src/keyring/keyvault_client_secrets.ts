import type { SecretClient } from '@azure/keyvault-secrets';
import { CLIENT_SECRET } from '../model/app_credential.ts';
import { type Clock, SECOND } from '../model/clock.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { SecretSource } from '../model/key_vault_secret_reader_interface.ts';
import { withoutVersion } from '../model/key_vault_secret_reader_interface.ts';
import { Secret } from '../model/secret.ts';
import { type Log, silentLog } from '../telemetry/log_events.ts';
import { createKeyVaultReferences, type KeyVaultReference, readReference } from './check_keyvault_reference.ts';
import type { KeyVaultResponse } from './explain_keyvault_failure.ts';
import { createSecretCache, type FetchResult } from './keyvault_client_secret_cache.ts';
import { createSecretAccess, type KeyVaultAccessParts } from './run_with_azure_sdk_client.ts';

/** Metrics about client secrets that are read from key vaults. */
export interface KeyVaultMetrics {
  /** `unavailable`: no clear response. `unusable`: the secret is missing, disabled, or not a client secret. */
  read(outcome: FetchResult['kind']): void;
}

export interface KeyVaultSecretsParts extends Partial<KeyVaultAccessParts> {
  /** Origins of the key vaults to which credentials may refer. */
  readonly vaults: readonly string[];
  /** Source of the root key, which must never be sent to Entra as a client secret. */
  readonly keySource: string;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  readonly metrics?: KeyVaultMetrics | undefined;
  /** Number of secrets in memory; the one used longest ago is removed first. */
  readonly capacity?: number | undefined;
}

/** Client secrets that stay in Azure Key Vault. Requires get on secrets (role "Key Vault Secrets User"). */
export function createKeyVaultSecrets({
  vaults,
  keySource,
  clock,
  log = silentLog,
  metrics,
  capacity = 10_000,
  // The exchange that waits for it has 8 seconds.
  timeout = 5 * SECOND,
  ...parts
}: KeyVaultSecretsParts): SecretSource {
  const references = createKeyVaultReferences('secrets', { vaults, keySource });
  const access = createSecretAccess({ ...parts, timeout });
  const cache = createSecretCache({ fetch, clock, log, capacity });

  async function fetch(uri: string): Promise<FetchResult> {
    const result = await fetchSecret(references.check('secret_uri', uri));
    metrics?.read(result.kind);
    return result;
  }

  async function fetchSecret(reference: KeyVaultReference): Promise<FetchResult> {
    const last: KeyVaultResponse = {};
    try {
      return await access(reference, (client, abortSignal) => readSecret(client, reference, abortSignal), last);
    } catch (failure) {
      if (!isVaultError(failure)) throw failure;
      const isGone = last.status === 404 || last.refusal === 'SecretDisabled';
      return { kind: isGone ? 'unusable' : 'unavailable', failure };
    }
  }

  return {
    read: async (secretUri) => cache.read(references.check('secret_uri', secretUri).uri),
    forget(secretUri) {
      const reference = readReference(secretUri, 'secrets');
      if (reference === undefined) return false;
      const secret = withoutVersion(reference.uri);
      return cache.invalidate((uri) => withoutVersion(uri) === secret);
    },
    checkUri: (field, secretUri) => references.check(field, secretUri).uri,
  };
}

/**
 * Without a version, Key Vault returns the newest one, even if it is disabled (403), and whatever its dates: they are
 * for information only.
 * https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
 */
async function readSecret(
  client: SecretClient,
  reference: KeyVaultReference,
  abortSignal: AbortSignal,
): Promise<FetchResult> {
  const { version } = reference;
  const { value: text = '', properties } = await client.getSecret(reference.name, {
    abortSignal,
    ...(version !== undefined && { version }),
  });
  // A value that was set from a file ends with a newline. Entra's secrets have no white space.
  const value = new Secret(text.trim());
  // For the secret of a certificate, Key Vault returns the private key.
  if (!value.matches(CLIENT_SECRET)) return { kind: 'unusable', failure: noClientSecret(reference) };
  return {
    kind: 'read',
    secret: {
      value,
      version: properties.version ?? '',
      setTime: properties.createdOn?.getTime(),
      notBefore: properties.notBefore?.getTime(),
      expireTime: properties.expiresOn?.getTime(),
    },
  };
}

function noClientSecret({ uri }: KeyVaultReference): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    `The value of ${uri} is not a client secret: 1 to 1024 printable characters without spaces. Set a new version.`,
  );
}
