import type { SecretClient } from '@azure/keyvault-secrets';
import { type Clock, SECOND } from '../model/clock.ts';
import { CLIENT_SECRET } from '../model/credential.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import { Secret } from '../model/secret.ts';
import type { SecretSource } from '../model/secret_source.ts';
import { withoutVersion } from '../model/secret_uri.ts';
import { type Log, silentLog } from '../telemetry/log.ts';
import { createKeyVaultAccess, type KeyVaultAccessParts } from './keyvault_access.ts';
import type { KeyVaultAnswer } from './keyvault_failures.ts';
import { type KeyVaultMetrics, silentKeyVaultMetrics } from './keyvault_metrics.ts';
import { createSecretCache, type FetchResult } from './secret_cache.ts';
import { createSecretReferences, readReference, type SecretReference } from './secret_references.ts';

export interface KeyVaultSecretsParts extends Partial<KeyVaultAccessParts> {
  /** Origins of the key vaults that credentials may refer to; none: no credential may. */
  readonly vaults: readonly string[];
  /** Where the root key lies: a client secret is sent to Entra, and it must never be that one. */
  readonly keySource: string;
  readonly clock: Clock;
  readonly log?: Log | undefined;
  readonly metrics?: KeyVaultMetrics | undefined;
  /** How many secrets memory holds; the one used longest ago goes first. */
  readonly capacity?: number | undefined;
}

/** Client secrets that stay in Azure Key Vault. Needs get on secrets (role "Key Vault Secrets User"). */
export function createKeyVaultSecrets({
  vaults,
  keySource,
  clock,
  log = silentLog,
  metrics = silentKeyVaultMetrics,
  capacity = 10_000,
  // An exchange, which waits for it, has 8 seconds.
  timeout = 5 * SECOND,
  ...parts
}: KeyVaultSecretsParts): SecretSource {
  const references = createSecretReferences({ vaults, keySource });
  const access = createKeyVaultAccess({ ...parts, timeout });
  const kept = createSecretCache({ fetch: find, clock, log, capacity });

  async function find(uri: string): Promise<FetchResult> {
    const found = await ask(references.check('secret_uri', uri));
    metrics.read(found.kind);
    return found;
  }

  async function ask(reference: SecretReference): Promise<FetchResult> {
    const noted: KeyVaultAnswer = {};
    try {
      return await access.ask(reference, (client, abortSignal) => readSecret(client, reference, abortSignal), noted);
    } catch (failure) {
      if (!isVaultError(failure)) throw failure;
      const isGone = noted.status === 404 || noted.refusal === 'SecretDisabled';
      return { kind: isGone ? 'unusable' : 'unavailable', failure };
    }
  }

  return {
    read: async (secretUri) => kept.read(references.check('secret_uri', secretUri).uri),
    forget(secretUri) {
      const reference = readReference(secretUri);
      if (reference === undefined) return false;
      const secret = withoutVersion(reference.uri);
      return kept.invalidate((uri) => withoutVersion(uri) === secret);
    },
    checkUri: (field, secretUri) => references.check(field, secretUri).uri,
  };
}

/**
 * Without a version, Key Vault answers the newest, also where it is disabled (403) and whatever its dates say: they do not bind, and are
 * handed on. https://learn.microsoft.com/azure/key-vault/secrets/about-secrets#date-time-controlled-operations
 */
async function readSecret(
  client: SecretClient,
  reference: SecretReference,
  abortSignal: AbortSignal,
): Promise<FetchResult> {
  const { version } = reference;
  const { value: text = '', properties } = await client.getSecret(reference.name, {
    abortSignal,
    ...(version !== undefined && { version }),
  });
  // What was set from a file ends with a newline; Entra makes no secrets with white space.
  const value = new Secret(text.trim());
  // Of a certificate's secret, Key Vault gives the private key.
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

function noClientSecret({ uri }: SecretReference): VaultError {
  return new VaultError(
    'KEY_SOURCE_UNAVAILABLE',
    `The value of ${uri} is no client secret: it must be 1 to 1024 printable characters without white space. Set a new version.`,
  );
}
