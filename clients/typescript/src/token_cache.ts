import type { AccessToken } from './access_token.ts';
import { isCurrent, isUnexpired, type KeptToken, keep, pause } from './kept_tokens.ts';
import { isReport, type TokenReport } from './token_request.ts';
import { isOutage, TokenVaultError } from './token_vault_error.ts';

/** Calls the vault. `once`: without retries, because a token is at hand. */
export type RequestToken<Request> = (request: Request, options: { readonly once: boolean }) => Promise<AccessToken>;

export interface TokenCacheParts<Request> {
  readonly request: RequestToken<Request>;
  /** Equal for requests that the same token serves. */
  readonly keyOf: (request: Request) => string;
  readonly now: () => number;
  /** Milliseconds. */
  readonly minTtl: number;
}

/** `requestToken` replaces the call of the vault. */
export type TokenCache<Request> = (request: Request, requestToken?: RequestToken<Request>) => Promise<AccessToken>;

interface Flight {
  readonly request: TokenReport;
  readonly answer: Promise<AccessToken>;
}

const MOST_TOKENS = 10_000;

/**
 * The tokens of this process, each until its `refreshAt`. One call to the vault is in progress for each key. The last
 * good token is used until it expires only while the vault cannot be reached; any other failure removes it.
 */
export function createTokenCache<Request extends TokenReport>({
  request: callVault,
  keyOf,
  now,
  minTtl,
}: TokenCacheParts<Request>): TokenCache<Request> {
  const tokens = new Map<string, KeptToken>();
  const flights = new Map<string, Flight>();

  async function fly(key: string, request: Request, requestToken: RequestToken<Request>): Promise<AccessToken> {
    const last = tokens.get(key);
    const mayFallBack = last !== undefined && !isReport(request) && isUnexpired(last, now());
    try {
      const token = await requestToken(request, { once: mayFallBack });
      store(key, keep(token, request.claims, now(), last));
      return token;
    } catch (error) {
      if (!(error instanceof TokenVaultError && isOutage(error))) tokens.delete(key);
      else if (mayFallBack && isUnexpired(last, now())) {
        tokens.set(key, pause(last, error.retryAfter));
        return last.token;
      }
      throw error;
    }
  }

  function store(key: string, kept: KeptToken): void {
    // The oldest is the first.
    tokens.delete(key);
    if (tokens.size >= MOST_TOKENS) {
      for (const [other, { token }] of tokens) if (token.expiresAt.getTime() <= now()) tokens.delete(other);
      const [oldest] = tokens.keys();
      if (tokens.size >= MOST_TOKENS && oldest !== undefined) tokens.delete(oldest);
    }
    tokens.set(key, kept);
  }

  /** A token at hand that serves the request. Removes one that the request refuses. */
  function find(key: string, request: TokenReport): AccessToken | undefined {
    const kept = tokens.get(key);
    if (kept === undefined) return undefined;
    if (kept.token.token === request.rejectedToken) {
      tokens.delete(key);
      return undefined;
    }
    if (!isReport(request)) return isCurrent(kept, now(), minTtl) ? kept.token : undefined;
    // Another request has reported the same token.
    const isAnswered = request.rejectedToken !== undefined && kept.claims === request.claims;
    return isAnswered && isUnexpired(kept, now()) ? kept.token : undefined;
  }

  return async function getToken(request, requestToken = callVault) {
    const key = keyOf(request);
    for (;;) {
      const found = find(key, request);
      if (found !== undefined) return found;
      const flight = flights.get(key);
      if (flight === undefined) break;
      if (isSame(flight.request, request)) return flight.answer;
      await flight.answer.catch(() => undefined);
    }
    const answer = fly(key, request, requestToken).finally(() => flights.delete(key));
    flights.set(key, { request, answer });
    return answer;
  };
}

function isSame(one: TokenReport, other: TokenReport): boolean {
  return one.claims === other.claims && one.rejectedToken === other.rejectedToken;
}
