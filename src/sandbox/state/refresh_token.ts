import { DAY, HOUR } from '../clock.ts';
import { openOpaque, sealOpaque } from './opaque_token.ts';
import { isPersonal } from './personal_account.ts';

/**
 * What a refresh token stands for. It is opaque to its holder, as Entra's is, but carries everything itself: a million of them cost
 * no memory, and those of seeded users and apps outlive a restart of the sandbox.
 */
export interface RefreshGrant {
  id: string;
  userObjectId: string;
  clientId: string;
  /** Where it was granted. It can be redeemed elsewhere too. */
  directoryId: string;
  /** Canonical: what was asked for when it was granted. */
  scopes: string[];
  issuedTime: number;
  /** The user's generation at that time. */
  generation: number;
  /** For `spa` redirect URIs: a fixed end, which redeeming does not move. */
  fixedEndTime?: number | undefined;
  /** The sandbox that issued it. */
  instanceId: string;
}

const INACTIVITY = 90 * DAY;
export const SPA_LIFETIME = 24 * HOUR;

export function endOf(grant: RefreshGrant): number {
  return grant.fixedEndTime ?? grant.issuedTime + INACTIVITY;
}

const PREFIX = '1.AXEA';
const PERSONAL_PREFIX = 'M.C519_BAY.0.U.-C';
const SIZE = 900;

/** About 1,200 characters, as Entra's are; those of personal accounts begin otherwise. */
export function sealRefreshToken(grant: RefreshGrant): string {
  return sealOpaque(isPersonal(grant.directoryId) ? PERSONAL_PREFIX : PREFIX, grant, SIZE);
}

export function openRefreshToken(token: string): RefreshGrant | undefined {
  return openOpaque<RefreshGrant>(PREFIX, token) ?? openOpaque<RefreshGrant>(PERSONAL_PREFIX, token);
}
