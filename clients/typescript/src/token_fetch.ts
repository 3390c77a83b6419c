import { readClaimsChallenge } from './claims_challenge.ts';
import type { TokenRequest } from './token_request.ts';
import type { TokenVault } from './token_vault.ts';
import { isOutage, TokenVaultError } from './token_vault_error.ts';

export interface TokenFetchOptions extends Pick<TokenRequest, 'connection' | 'scopes'> {
  /** Hosts (`host` or `host:port`) that get the token. Default: the host of the token's resource. */
  readonly allowedHosts?: readonly string[] | undefined;
  /** Default: the one of Node. */
  readonly fetch?: typeof fetch | undefined;
}

/**
 * A `fetch` that sends the token of a connection. After a 401 it reports the token to the vault, with the claims of the
 * challenge, and repeats the request once with a new token. A second 401 is returned. A body that is a stream cannot be
 * repeated: its 401 is returned, and the next request has a new token.
 */
export function createTokenFetch(vault: TokenVault, options: TokenFetchOptions): typeof fetch {
  const { connection, scopes, allowedHosts, fetch: send = fetch } = options;

  return async function fetchWithToken(input, init) {
    const request = new Request(input, init);
    const { signal } = request;
    const { token, resource } = await vault.getAccessToken({ connection, scopes }, { signal });
    checkHost(new URL(request.url), allowedHosts ?? [new URL(resource).host]);
    const copy = init?.body instanceof ReadableStream ? undefined : request.clone();

    const response = await send(withToken(request, token));
    if (response.status !== 401) return release(copy, response);
    const claims = readClaimsChallenge(response.headers.get('www-authenticate'));
    const report = vault.getAccessToken({ connection, scopes, claims, rejectedToken: token }, { signal });
    const renewed = await report.catch(noneForNow);
    if (copy === undefined || renewed === undefined || renewed.token === token) return release(copy, response);
    await response.body?.cancel();
    return send(withToken(copy, renewed.token));
  };
}

function checkHost({ protocol, host, hostname }: URL, allowed: readonly string[]): void {
  if (!allowed.includes(host))
    throw new TypeError(`The token is not for ${host}. Call its resource, or add the host to allowedHosts.`);
  if (protocol !== 'https:' && hostname !== '127.0.0.1' && hostname !== 'localhost' && hostname !== '[::1]')
    throw new TypeError(`The token is sent over https only. Change the URL of ${host}.`);
}

function withToken(request: Request, token: string): Request {
  request.headers.set('authorization', `Bearer ${token}`);
  return request;
}

/** Frees the body of a copy that is not sent. */
function release(copy: Request | undefined, response: Response): Response {
  copy?.body?.cancel().catch(() => undefined);
  return response;
}

/** If the vault has no new token at the moment, the caller gets the response of the resource. */
function noneForNow(error: unknown): undefined {
  if (error instanceof TokenVaultError && (isOutage(error) || error.code === 'RESOURCE_EXHAUSTED')) return undefined;
  throw error;
}
