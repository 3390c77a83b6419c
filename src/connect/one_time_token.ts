import { createHash, randomBytes } from 'node:crypto';

/** 32 random bytes, base64url: a handle, state, nonce or confirmation. Only its hash is stored. */
export function mintOneTimeToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256, hex. No salt and no stretching: 256 random bits cannot be guessed from it. */
export function hashOneTimeToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

const SHAPE = /^[A-Za-z0-9_-]{43}$/;

/** False: no such token was ever issued, so the database is not queried. */
export function isOneTimeToken(text: string): boolean {
  return SHAPE.test(text);
}
