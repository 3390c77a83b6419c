import { randomBytes } from 'node:crypto';
import { MINUTE, type SandboxClock } from '../movable_clock.ts';

/** The grant that an authorization code stands for. */
export interface CodeGrant {
  clientId: string;
  userObjectId: string;
  directoryId: string;
  /** The `scope` parameter of the authorization request. */
  scope: string;
  redirectUri: string;
  nonce: string | undefined;
  codeChallenge: string | undefined;
  codeChallengeMethod: 'S256' | 'plain';
  expireTime: number;
  redeemed: boolean;
}

const LIFETIME = 10 * MINUTE;
const MAX_CODES = 10_000;

export type AuthorizationCodes = ReturnType<typeof createAuthorizationCodes>;

export function createAuthorizationCodes(clock: SandboxClock) {
  const grants = new Map<string, CodeGrant>();
  return {
    issue(grant: Omit<CodeGrant, 'expireTime' | 'redeemed'>): string {
      const code = `1.AXEA${randomBytes(240).toString('base64url')}`;
      grants.set(code, { ...grant, expireTime: clock.now() + LIFETIME, redeemed: false });
      const oldest = grants.keys().next();
      if (grants.size > MAX_CODES && !oldest.done) grants.delete(oldest.value);
      return code;
    },
    find: (code: string): CodeGrant | undefined => grants.get(code),
  };
}
