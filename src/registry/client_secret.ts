import { CLIENT_SECRET } from '../model/credential.ts';
import { fieldInvalid } from '../model/errors.ts';
import { GUID } from '../model/ids.ts';
import type { Secret } from '../model/secret.ts';

/** FIELD_INVALID for what cannot be a client secret. */
export function checkClientSecret(field: string, secret: Secret): void {
  if (secret.matches(CLIENT_SECRET)) return;
  throw fieldInvalid(field, 'must be 1 to 1024 printable characters without white space, as the portal shows it');
}

/** The portal shows two values side by side, and the wrong one is a GUID. */
export function looksLikeSecretId(secret: Secret): boolean {
  return secret.matches(GUID);
}
