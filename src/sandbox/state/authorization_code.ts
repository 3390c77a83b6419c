import { randomBytes } from 'node:crypto';
import { MINUTE, type SandboxClock } from '../clock.ts';

/** What a consenting user's browser brings back. */
export interface CodeGrant {
  clientId: string;
  userObjectId: string;
  directoryId: string;
  /** As asked at the authorize endpoint. */
  scope: string;
  redirectUri: string;
  nonce: string | undefined;
  codeChallenge: string | undefined;
  codeChallengeMethod: 'S256' | 'plain';
  expireTime: number;
  redeemed: boolean;
}

export interface AuthorizationCodes {
  issue(grant: Omit<CodeGrant, 'expireTime' | 'redeemed'>): string;
  find(code: string): CodeGrant | undefined;
}

const LIFETIME = 10 * MINUTE;
const KEPT = 10_000;

export function createAuthorizationCodes(clock: SandboxClock): AuthorizationCodes {
  const grants = new Map<string, CodeGrant>();
  return {
    issue(grant) {
      const code = `1.AXEA${randomBytes(240).toString('base64url')}`;
      grants.set(code, { ...grant, expireTime: clock.now() + LIFETIME, redeemed: false });
      const oldest = grants.keys().next();
      if (grants.size > KEPT && !oldest.done) grants.delete(oldest.value);
      return code;
    },
    find: (code) => grants.get(code),
  };
}
