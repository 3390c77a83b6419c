import type { TokenCredential } from '@azure/identity';
import type { CertificateClient } from '@azure/keyvault-certificates';
import type { CryptographyClient, KeyClient } from '@azure/keyvault-keys';
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import {
  explainKeyVaultFailure,
  type KeyVaultObject,
  type KeyVaultResponse,
  refusalOf,
} from './explain_keyvault_failure.ts';
import type { KeyVaultLocation } from './keyvault_location.ts';

export interface KeyVaultAccessParts {
  /** Default: DefaultAzureCredential (workload identity, managed identity, environment, az login). */
  readonly credential?: TokenCredential | undefined;
  readonly clientOptions?: KeyVaultClientOptions | undefined;
  /** For one `work`, with its retries and sign-in. */
  readonly timeout: Duration;
}

/** What all clients of Key Vault have in common. */
export type KeyVaultClientOptions = Omit<SecretClientOptions, 'serviceVersion'>;

type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'];

/** Runs `work` with a client. `last` then has the last response of Key Vault. */
export type KeyVaultAccess<Client> = <Result>(
  object: KeyVaultLocation,
  work: (client: Client, abortSignal: AbortSignal) => Promise<Result>,
  last?: KeyVaultResponse,
) => Promise<Result>;

/** Access to secrets. It fails with KEY_SOURCE_UNAVAILABLE. */
export function createSecretAccess(parts: KeyVaultAccessParts): KeyVaultAccess<SecretClient> {
  return createKeyVaultAccess(parts, 'secret', async ({ vaultUrl }, credential, options) => {
    const { SecretClient } = await import('@azure/keyvault-secrets');
    return new SecretClient(vaultUrl, credential, options);
  });
}

/** Access to keys. It fails with KEY_SOURCE_UNAVAILABLE. */
export function createKeyAccess(parts: KeyVaultAccessParts): KeyVaultAccess<KeyClient> {
  return createKeyVaultAccess(parts, 'key', async ({ vaultUrl }, credential, options) => {
    const { KeyClient } = await import('@azure/keyvault-keys');
    return new KeyClient(vaultUrl, credential, options);
  });
}

/** Access to certificates. It fails with KEY_SOURCE_UNAVAILABLE. */
export function createCertificateAccess(parts: KeyVaultAccessParts): KeyVaultAccess<CertificateClient> {
  return createKeyVaultAccess(parts, 'certificate', async ({ vaultUrl }, credential, options) => {
    const { CertificateClient } = await import('@azure/keyvault-certificates');
    return new CertificateClient(vaultUrl, credential, options);
  });
}

/** Access to what one version of a key does. It fails with KEY_SOURCE_UNAVAILABLE. */
export function createCryptographyAccess(
  parts: KeyVaultAccessParts,
  kind: 'key' | 'signing key' = 'key',
): KeyVaultAccess<CryptographyClient> {
  return createKeyVaultAccess(parts, kind, async ({ vaultUrl, name, version = '' }, credential, options) => {
    const { CryptographyClient } = await import('@azure/keyvault-keys');
    const id = `${vaultUrl}/keys/${name}/${version}`;
    // Given by its address alone, the client would read the key first, and refuse an expired one, which Key Vault lets
    // unwrap: https://learn.microsoft.com/azure/key-vault/keys/about-keys-details#date-time-controlled-operations
    return new CryptographyClient({ id, name, properties: { vaultUrl, name } }, credential, options);
  });
}

/** All access to Azure Key Vault. Errors have no content of the SDK's errors. */
function createKeyVaultAccess<Client>(
  { clientOptions, timeout, ...parts }: KeyVaultAccessParts,
  kind: KeyVaultObject['kind'],
  connect: (object: KeyVaultLocation, credential: TokenCredential, options: KeyVaultClientOptions) => Promise<Client>,
): KeyVaultAccess<Client> {
  // The credential caches tokens. Each call has its own client, because a client keeps a sign-in that hangs.
  let credential: Promise<TokenCredential> | undefined;

  // The libraries are imported here: a vault with a key file does not need to spend half a second on loading them.
  async function open(object: KeyVaultLocation, last: KeyVaultResponse): Promise<Client> {
    credential ??= parts.credential === undefined ? defaultCredential() : Promise.resolve(parts.credential);
    return connect(object, await credential, {
      ...clientOptions,
      retryOptions: { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 2 * SECOND },
      // Key Vault never redirects.
      redirectOptions: { maxRetries: 0 },
      additionalPolicies: [
        ...(clientOptions?.additionalPolicies ?? []),
        { position: 'perRetry', policy: recordResponses(last) },
      ],
    });
  }

  return async function access(object, work, last = {}) {
    const abortSignal = AbortSignal.timeout(timeout);
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true });
    try {
      // A race, because some credentials ignore the signal (az login, a metadata service that drops packets).
      return await Promise.race([open(object, last).then((client) => work(client, abortSignal)), timedOut]);
    } catch (error) {
      if (isVaultError(error)) throw error;
      last.refusal = refusalOf(error);
      throw explainKeyVaultFailure({ kind, ...object }, last, error, timeout);
    }
  };
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

// When the timeout ends the retries, the SDK's error says only "aborted"; the last response explains more.
function recordResponses(last: KeyVaultResponse): Policy {
  return {
    name: 'recordResponses',
    async sendRequest(request, next) {
      const response = await next(request);
      // The first 401, without a token in the request, only names Key Vault's sign-in page.
      if (response.status !== 401 || request.headers.has('authorization')) {
        last.status = response.status;
        last.retryAfter = response.headers.get('retry-after');
      }
      return response;
    },
  };
}
