import { setTimeout } from 'node:timers/promises';
import { type AccessToken, toAccessToken } from './access_token.ts';
import { TokenService } from './gen/tokenvault/v1/token_service_pb.ts';
import type { TokenRequest } from './token_request.ts';
import { isOutage, TokenVaultError } from './token_vault_error.ts';
import type { VaultCalls } from './vault_calls.ts';

/** Milliseconds. */
const FIRST_PAUSE = 250;
const LONGEST_PAUSE = 10_000;

/**
 * The current token, and each new one. The stream is opened again when it completes or breaks off. It ends when the
 * signal aborts, and fails when the vault serves no token any more: within a second after the caller is contained.
 */
export async function* watchToken(
  calls: VaultCalls,
  { connection, scopes = [] }: TokenRequest,
  options: { readonly minTtl: number; readonly signal: AbortSignal },
): AsyncGenerator<AccessToken, void, undefined> {
  const { signal } = options;
  const minTtl = { seconds: BigInt(options.minTtl) };
  let last: string | undefined;
  for (let failures = 0; !signal.aborted; ) {
    let wait = 0;
    try {
      const request = { connection, scopes: [...scopes], minTtl };
      for await (const response of calls.stream(TokenService.method.watchAccessToken, request, signal)) {
        failures = 0;
        if (response.accessToken === last) continue;
        last = response.accessToken;
        yield toAccessToken(response);
      }
    } catch (error) {
      if (!(error instanceof TokenVaultError)) throw error;
      // The credential that opened the stream has expired. A projected token has been renewed by now.
      const mayBeRenewed = failures === 0 && error.metadata['tokenFault'] === 'expired';
      if (!mayRetry(error) && !mayBeRenewed) throw error;
      wait = error.retryAfter ?? 0;
    }
    failures += 1;
    const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (failures - 1)) * (0.5 + 0.5 * Math.random());
    await setTimeout(Math.max(wait, pause), undefined, { signal }).catch(() => undefined);
  }
}

function mayRetry(error: TokenVaultError): boolean {
  return isOutage(error) || error.code === 'RESOURCE_EXHAUSTED';
}
