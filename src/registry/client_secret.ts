import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

const PRINTABLE = /^[\x21-\x7e]{1,1024}$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** FIELD_INVALID for what cannot be a client secret. */
export function checkClientSecret(field: string, secret: Secret): void {
  if (secret.matches(PRINTABLE)) return;
  throw fieldInvalid(field, 'must be 1 to 1024 printable characters without white space, as the portal shows it');
}

export function looksLikeSecretId(secret: Secret): boolean {
  return secret.matches(GUID);
}
