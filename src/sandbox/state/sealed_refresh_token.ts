import { DAY, HOUR } from '../movable_clock.ts';
import { isPersonal } from './entra_directories.ts';
import { openOpaque, sealOpaque } from './opaque_token_encryption.ts';

/**
 * The content of a refresh token. The token is opaque to its holder and carries everything itself: a million tokens cost no
 * memory, and tokens of seeded users and apps stay valid over a restart of the sandbox.
 */
export interface RefreshGrant {
  id: string;
  userObjectId: string;
  clientId: string;
  /** Directory of the grant; the token can also be redeemed at another one. */
  directoryId: string;
  /** Canonical form of the scopes requested at the grant. */
  scopes: string[];
  issuedTime: number;
  /** The user's generation at that time. */
  generation: number;
  /** For `spa` redirect URIs: a fixed expiry, which redemption does not extend. */
  fixedEndTime?: number | undefined;
  /** The sandbox process that issued it. */
  instanceId: string;
}

const INACTIVITY = 90 * DAY;
export const SPA_LIFETIME = 24 * HOUR;

export function expireTimeOf(grant: RefreshGrant): number {
  return grant.fixedEndTime ?? grant.issuedTime + INACTIVITY;
}

const PREFIX = '1.AXEA';
const PERSONAL_PREFIX = 'M.C519_BAY.0.U.-C';
const SIZE = 900;

/** About 1,200 characters, as Entra's tokens have. */
export function sealRefreshToken(grant: RefreshGrant): string {
  return sealOpaque(isPersonal(grant.directoryId) ? PERSONAL_PREFIX : PREFIX, grant, SIZE);
}

export function openRefreshToken(token: string): RefreshGrant | undefined {
  return openOpaque<RefreshGrant>(PREFIX, token) ?? openOpaque<RefreshGrant>(PERSONAL_PREFIX, token);
}
