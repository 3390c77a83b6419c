import { hash, randomBytes } from 'node:crypto';
import { fieldInvalid } from './errors.ts';
import { RESOURCE_ID } from './ids.ts';

/** The key goes to the caller and is kept nowhere; the SHA-256 goes into the callers file. */
export function newApiKey(callerId: string): { readonly key: string; readonly sha256: string } {
  if (!RESOURCE_ID.test(callerId))
    throw fieldInvalid('caller', 'must be small letters, digits and dashes, at most 63, the first one a letter');
  const key = `tv1_${callerId}_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash('sha256', key, 'hex') };
}
