import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { DAY, HOUR } from './clock.ts';

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

/** The key is no secret: it only keeps people from reading what they should treat as opaque, and tells damaged tokens. */
const KEY = createHash('sha256').update('the sandbox pretends').digest();
const PREFIX = '1.AXEA';
const SIZE = 900;

/** About 1,200 characters, as Entra's are. */
export function sealRefreshToken(grant: RefreshGrant): string {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', KEY, nonce, { authTagLength: 16 });
  const text = JSON.stringify(grant).padEnd(SIZE, ' ');
  const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  return `${PREFIX}${sealed.toString('base64url')}`;
}

export function openRefreshToken(token: string): RefreshGrant | undefined {
  if (!token.startsWith(PREFIX)) return undefined;
  const sealed = Buffer.from(token.slice(PREFIX.length), 'base64url');
  if (sealed.length < 29) return undefined;
  try {
    const decipher = createDecipheriv('aes-256-gcm', KEY, sealed.subarray(0, 12), { authTagLength: 16 });
    decipher.setAuthTag(sealed.subarray(-16));
    const text = decipher.update(sealed.subarray(12, -16), undefined, 'utf8') + decipher.final('utf8');
    const grant: RefreshGrant = JSON.parse(text);
    return grant;
  } catch {
    return undefined;
  }
}
