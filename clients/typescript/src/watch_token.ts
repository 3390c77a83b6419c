import { type AccessToken, toAccessToken } from './access_token.ts';
import { TokenService } from './gen/tokenvault/v1/token_service_pb.ts';
import { reopenedStream } from './reopened_stream.ts';
import type { TokenRequest } from './token_request.ts';
import type { VaultCalls } from './vault_calls.ts';

/** The current token, and each new one. It fails when the vault serves no token any more. */
export async function* watchToken(
  calls: VaultCalls,
  { connection, scopes = [] }: TokenRequest,
  { minTtl, signal }: { readonly minTtl: number; readonly signal: AbortSignal },
): AsyncGenerator<AccessToken, void, undefined> {
  const request = { connection, scopes: [...scopes], minTtl: { seconds: BigInt(minTtl) } };
  const open = () => calls.stream(TokenService.method.watchAccessToken, request, signal);
  let last: string | undefined;
  for await (const response of reopenedStream(open, signal)) {
    if (response.accessToken === last) continue;
    last = response.accessToken;
    yield toAccessToken(response);
  }
}
