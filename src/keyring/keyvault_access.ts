import type { TokenCredential } from '@azure/identity';
import type { SecretClient, SecretClientOptions } from '@azure/keyvault-secrets';
import { type Duration, SECOND } from '../model/clock.ts';
import { isVaultError } from '../model/errors.ts';
import { explainKeyVaultFailure, type KeyVaultAnswer, refusalOf } from './keyvault_failures.ts';
import type { SecretLocation } from './secret_location.ts';

export interface KeyVaultAccessParts {
  /** DefaultAzureCredential (workload identity, managed identity, environment, az login) unless given. */
  readonly credential?: TokenCredential | undefined;
  readonly clientOptions?: SecretClientOptions | undefined;
  /** For everything that is asked in one go, retries and sign-in included. */
  readonly timeout: Duration;
}

export interface KeyVaultAccess {
  /** Fails with KEY_SOURCE_UNAVAILABLE, without anything of the SDK's errors; `noted` then tells what Key Vault answered last. */
  ask<Result>(
    secret: SecretLocation,
    work: (client: SecretClient, abortSignal: AbortSignal) => Promise<Result>,
    noted?: KeyVaultAnswer,
  ): Promise<Result>;
}

/** The one way to Azure Key Vault. */
export function createKeyVaultAccess({ clientOptions, timeout, ...parts }: KeyVaultAccessParts): KeyVaultAccess {
  // It keeps the tokens; a client, which keeps a sign-in that hangs, serves one question.
  let credential: Promise<TokenCredential> | undefined;

  async function open(secret: SecretLocation, noted: KeyVaultAnswer): Promise<SecretClient> {
    // Half a second of loading that a vault with a key file need not pay.
    const { SecretClient } = await import('@azure/keyvault-secrets');
    credential ??= parts.credential === undefined ? defaultCredential() : Promise.resolve(parts.credential);
    return new SecretClient(secret.vaultUrl, await credential, {
      ...clientOptions,
      retryOptions: { maxRetries: 2, retryDelayInMs: 300, maxRetryDelayInMs: 2 * SECOND },
      // A key vault sends nobody elsewhere.
      redirectOptions: { maxRetries: 0 },
      additionalPolicies: [
        ...(clientOptions?.additionalPolicies ?? []),
        { position: 'perRetry', policy: noteAnswers(noted) },
      ],
    });
  }

  return {
    async ask(secret, work, noted = {}) {
      const abortSignal = AbortSignal.timeout(timeout);
      try {
        // A credential may not heed the signal (az login, a metadata service that swallows packets): race it.
        return await Promise.race([
          open(secret, noted).then((client) => work(client, abortSignal)),
          aborted(abortSignal),
        ]);
      } catch (error) {
        if (isVaultError(error)) throw error;
        noted.refusal = refusalOf(error);
        throw explainKeyVaultFailure(secret, noted, error, timeout);
      }
    },
  };
}

async function defaultCredential(): Promise<TokenCredential> {
  const { DefaultAzureCredential } = await import('@azure/identity');
  return new DefaultAzureCredential();
}

// When the retries end by the timeout, the SDK says only "aborted"; what Key Vault had answered until then is the better story.
function noteAnswers(noted: KeyVaultAnswer): NonNullable<SecretClientOptions['additionalPolicies']>[number]['policy'] {
  return {
    name: 'noteAnswers',
    async sendRequest(request, next) {
      const response = await next(request);
      // The first 401 is Key Vault's way of naming its sign-in page, and says nothing.
      if (response.status !== 401 || request.headers.has('authorization')) {
        noted.status = response.status;
        noted.retryAfter = response.headers.get('retry-after');
      }
      return response;
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}
