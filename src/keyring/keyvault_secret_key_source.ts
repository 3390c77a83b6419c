import type { TokenCredential } from '@azure/identity';
import type { SecretClient, SecretClientOptions, SecretProperties } from '@azure/keyvault-secrets';
import { type Duration, SECOND } from '../model/clock.ts';
import { fieldInvalid, VaultError } from '../model/errors.ts';
import { createKek, KEK_BYTES, type Kek, kekFault } from './kek.ts';
import { type Keks, type KeySource, pairKeks } from './key_source.ts';
import { explainKeyVaultFailure, type KeyVaultAnswer } from './keyvault_failures.ts';

export interface KeyVaultSecretKeySourceParts {
  /** `https://NAME.vault.azure.net/secrets/SECRET`, with `/VERSION` to pin the current key. */
  url: string;
  /** DefaultAzureCredential (workload identity, managed identity, environment, az login) unless given. */
  credential?: TokenCredential;
  /** For everything that `load` asks, retries and sign-in included. */
  timeout?: Duration;
  clientOptions?: SecretClientOptions;
}

/**
 * A secret whose value is the base64 of 32 random bytes. Its newest enabled version is the current KEK, the enabled one before it the previous.
 * Needs get and list on secrets (role "Key Vault Secrets User"). Dates of a version (nbf, exp) are not heeded: a date must not lock a vault out.
 * https://learn.microsoft.com/rest/api/keyvault/secrets/get-secret-versions
 */
export function createKeyVaultSecretKeySource(parts: KeyVaultSecretKeySourceParts): KeySource {
  const { url, timeout = 20 * SECOND } = parts;
  const secret = parseSecretUrl(url);
  return {
    name: `keyvault-secret:${url}`,
    async load() {
      const answer: KeyVaultAnswer = {};
      const abortSignal = AbortSignal.timeout(timeout);
      try {
        // A credential may not heed the signal (az login, a metadata service that swallows packets): race it.
        return await Promise.race([loadKeks(parts, secret, answer, abortSignal), aborted(abortSignal)]);
      } catch (error) {
        throw error instanceof VaultError ? error : explainKeyVaultFailure(secret, answer, error, timeout);
      }
    },
  };
}

export interface SecretLocation {
  vaultUrl: string;
  name: string;
  version: string | undefined;
}

/** Fails with FIELD_INVALID. */
export function parseSecretUrl(url: string): SecretLocation {
  const parsed = URL.parse(url);
  const match = /^\/secrets\/([0-9A-Za-z-]{1,127})(?:\/([0-9A-Za-z]{1,64}))?\/?$/.exec(parsed?.pathname ?? '');
  if (parsed?.protocol !== 'https:' || parsed.username !== '' || parsed.search !== '' || match?.[1] === undefined) {
    throw fieldInvalid(
      'TOKENVAULT_KEY_SOURCE',
      'must be keyvault-secret:https://NAME.vault.azure.net/secrets/SECRET, with /VERSION at the end to pin one.',
    );
  }
  return { vaultUrl: parsed.origin, name: match[1], version: match[2] };
}

async function loadKeks(
  { credential, clientOptions }: KeyVaultSecretKeySourceParts,
  secret: SecretLocation,
  answer: KeyVaultAnswer,
  abortSignal: AbortSignal,
): Promise<Keks> {
  // Half a second of loading that a vault with a key file need not pay.
  const { SecretClient } = await import('@azure/keyvault-secrets');
  const client = new SecretClient(secret.vaultUrl, credential ?? (await defaultCredential()), {
    ...clientOptions,
    retryOptions: { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 2 * SECOND },
    additionalPolicies: [
      ...(clientOptions?.additionalPolicies ?? []),
      { position: 'perRetry', policy: noteAnswers(answer) },
    ],
  });

  const versions: SecretProperties[] = [];
  for await (const version of client.listPropertiesOfSecretVersions(secret.name, { abortSignal }))
    versions.push(version);
  const [current, previous] = chooseVersions(secret, versions);
  return pairKeks(
    await readKek(client, secret, current, abortSignal),
    previous === undefined ? undefined : await readKek(client, secret, previous, abortSignal),
  );
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

// When the retries end by the timeout, the SDK says only "aborted"; what Key Vault had answered until then is the better story.
function noteAnswers(answer: KeyVaultAnswer): NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'] {
  return {
    name: 'noteAnswers',
    async sendRequest(request, next) {
      const response = await next(request);
      // The first 401 is Key Vault's way of naming its sign-in page, and says nothing.
      if (response.status !== 401 || request.headers.has('authorization')) {
        answer.status = response.status;
        answer.retryAfter = response.headers.get('retry-after');
      }
      return response;
    },
  };
}

function chooseVersions(secret: SecretLocation, versions: readonly SecretProperties[]): [string, string?] {
  const enabled = versions
    .filter((version) => version.enabled !== false)
    .flatMap(({ version, createdOn }) => (version === undefined ? [] : { version, created: createdOn?.getTime() ?? 0 }))
    // Times of creation have seconds; the version decides between equals, so that every start chooses alike.
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
  secret: SecretLocation,
  version: string,
  abortSignal: AbortSignal,
): Promise<Kek> {
  const { value = '' } = await client.getSecret(secret.name, { version, abortSignal });
  const text = value.trim();
  const bytes = Buffer.from(text, 'base64');
  // Buffer skips what is not base64; only what encodes back to itself was meant.
  const isBase64 = bytes.toString('base64') === text;
  const fault = isBase64 ? kekFault(bytes) : 'is not base64';
  if (fault !== undefined) {
    throw unusable(
      secret,
      `version ${version} ${fault}. Its value must be the base64 of ${KEK_BYTES} random bytes; disable the version if it is not a root key`,
    );
  }
  return createKek(bytes);
}

function unusable(secret: SecretLocation, fault: string): VaultError {
  return new VaultError('KEY_SOURCE_UNAVAILABLE', `The secret ${secret.name} in ${secret.vaultUrl} ${fault}.`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
