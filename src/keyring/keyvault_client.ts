import type { TokenCredential } from '@azure/identity';
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import { explainKeyVaultFailure, type KeyVaultResponse, refusalOf } from './explain_keyvault_failure.ts';
import type { SecretLocation } from './keyvault_secret_location.ts';

export interface KeyVaultAccessParts {
  /** Default: DefaultAzureCredential (workload identity, managed identity, environment, az login). */
  readonly credential?: TokenCredential | undefined;
  readonly clientOptions?: SecretClientOptions | undefined;
  /** For one `work`, with its retries and sign-in. */
  readonly timeout: Duration;
}

type Policy = NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'];

/**
 * All access to Azure Key Vault. The returned function runs `work` with a client. It fails with KEY_SOURCE_UNAVAILABLE,
 * without any content of the SDK's errors; `last` then has the last response of Key Vault.
 */
export function createKeyVaultAccess({ clientOptions, timeout, ...parts }: KeyVaultAccessParts) {
  // The credential caches tokens. Each call has its own client, because a client keeps a sign-in that hangs.
  let credential: Promise<TokenCredential> | undefined;

  async function open(secret: SecretLocation, last: KeyVaultResponse): Promise<SecretClient> {
    // Imported here: a vault with a key file does not need to spend half a second on loading it.
    const { SecretClient } = await import('@azure/keyvault-secrets');
    credential ??= parts.credential === undefined ? defaultCredential() : Promise.resolve(parts.credential);
    return new SecretClient(secret.vaultUrl, await credential, {
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

  return async function access<Result>(
    secret: SecretLocation,
    work: (client: SecretClient, abortSignal: AbortSignal) => Promise<Result>,
    last: KeyVaultResponse = {},
  ): Promise<Result> {
    const abortSignal = AbortSignal.timeout(timeout);
    const { promise: timedOut, reject } = Promise.withResolvers<never>();
    abortSignal.addEventListener('abort', () => reject(abortSignal.reason), { once: true });
    try {
      // A race, because some credentials ignore the signal (az login, a metadata service that drops packets).
      return await Promise.race([open(secret, last).then((client) => work(client, abortSignal)), timedOut]);
    } catch (error) {
      if (isVaultError(error)) throw error;
      last.refusal = refusalOf(error);
      throw explainKeyVaultFailure(secret, last, error, timeout);
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
