import { createHash } from 'node:crypto';
import type { AccessToken } from './access_token.ts';

/** A request as the fake vault received it. */
export interface FakeTokenRequest {
  readonly connection: string;
  readonly scopes: readonly string[];
  readonly claims: string;
  readonly rejectedTokenSha256: string;
  /** The `authorization` header. Empty: there was none. */
  readonly authorization: string;
}

const RESOURCE = 'https://graph.microsoft.com';
const LIFETIME = 3_600_000;
const REFRESH_BEFORE_EXPIRY = 600_000;

/** Issues a token for each connection and scopes, and another one when it is reported or about to expire. */
export function createFakeTokenIssuer(now: () => number) {
  const current = new Map<string, AccessToken>();
  /** Tokens of `replace`, which are served until they expire. */
  const replaced = new Set<AccessToken>();
  let count = 0;

  function issue(key: string, changes: Partial<AccessToken>): AccessToken {
    count += 1;
    const token: AccessToken = {
      token: `fake-token-${count}`,
      expiresAt: new Date(now() + LIFETIME),
      refreshAt: new Date(now() + LIFETIME - REFRESH_BEFORE_EXPIRY),
      resource: RESOURCE,
      permissions: [],
      ...changes,
    };
    current.set(key, token);
    return token;
  }

  const endOf = (token: AccessToken) => (replaced.has(token) ? token.expiresAt : token.refreshAt);

  return {
    serve(request: Omit<FakeTokenRequest, 'authorization'>): AccessToken {
      const key = keyOf(request);
      const held = current.get(key);
      if (held === undefined || endOf(held).getTime() <= now()) return issue(key, {});
      const isRejected = createHash('sha256').update(held.token).digest('hex') === request.rejectedTokenSha256;
      const isChallenged = request.claims !== '' && request.rejectedTokenSha256 === '';
      return isRejected || isChallenged ? issue(key, {}) : held;
    },
    replace(connection: string, scopes: readonly string[], changes: Partial<AccessToken>): AccessToken {
      const token = issue(keyOf({ connection, scopes }), changes);
      replaced.add(token);
      return token;
    },
  };
}

export function keyOf({ connection, scopes }: Pick<FakeTokenRequest, 'connection' | 'scopes'>): string {
  return [connection, ...[...scopes].sort()].join(' ');
}
