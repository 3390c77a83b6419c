import { fieldInvalid } from '../model/errors.ts';
import type { Secret } from '../model/secret.ts';

const LONGEST = 1_024;
/** Of a shorter one, three characters would tell too much. Entra's have 40. */
const SHORTEST_SHOWN = 8;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** Its first 3 characters, as Graph and the portal show them. FIELD_INVALID for what cannot be a client secret. */
export function secretHint(field: string, secret: Secret): string {
  const value = secret.reveal();
  if (value === '') throw fieldInvalid(field, 'must not be empty');
  if (value.length > LONGEST || !/^[\x21-\x7e]+$/.test(value)) {
    throw fieldInvalid(
      field,
      `must be at most ${LONGEST} printable characters without white space, as the portal shows it`,
    );
  }
  return value.length < SHORTEST_SHOWN ? '' : value.slice(0, 3);
}

export function looksLikeSecretId(secret: Secret): boolean {
  return GUID.test(secret.reveal());
}
