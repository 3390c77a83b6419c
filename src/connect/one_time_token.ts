import { createHash, randomBytes } from 'node:crypto';

/** 32 random bytes, base64url: a handle, a state, a nonce, a confirmation. Only its hash is ever stored. */
export function mintOneTimeToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256, hex. No salt and no stretching: 256 random bits cannot be guessed from it. */
export function hashOneTimeToken(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

const SHAPE = /^[A-Za-z0-9_-]{43}$/;

/** Whether it can be one of ours at all: what cannot is answered without asking the database. */
export function isOneTimeToken(text: string): boolean {
  return SHAPE.test(text);
}
