import { hash, randomBytes } from 'node:crypto';
import { fieldInvalid } from './errors.ts';
import { RESOURCE_ID } from './id_patterns.ts';

/** The key is shown once and not stored; its SHA-256 goes into the callers file. */
export function newApiKey(callerId: string): { readonly key: string; readonly sha256: string } {
  if (!RESOURCE_ID.test(callerId))
    throw fieldInvalid('caller', 'must be 1 to 63 lowercase letters, digits and dashes, starting with a letter');
  const key = `tv1_${callerId}_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash('sha256', key, 'hex') };
}
