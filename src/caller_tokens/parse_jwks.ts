import { hash } from 'node:crypto';
import type { JWK } from 'jose';

/** A public key of an issuer. */
export interface IssuerKey {
  readonly jwk: JWK;
  /** Of the key; equal for the same key of two readings. */
  readonly fingerprint: string;
}

export type KeysById = ReadonlyMap<string, IssuerKey>;

const MOST_KEYS = 100;
/** Members of public keys (RFC 7518, 6.2 and 6.3; RFC 8037, 2). */
const PUBLIC_MEMBERS = { RSA: ['n', 'e'], EC: ['crv', 'x', 'y'], OKP: ['crv', 'x'] } as const;
/** `jwt-svid`: the SPIFFE bundle format. */
const USES: readonly unknown[] = [undefined, 'sig', 'jwt-svid'];

/**
 * The keys of a JWK set (RFC 7517) that can verify signatures, by their id. Symmetric keys, keys for encryption and keys
 * without an id are ignored. Undefined if the text has no usable key, so that an error page does not replace the last
 * good keys.
 */
export function parseJwks(text: string): KeysById | undefined {
  const keys = new Map<string, IssuerKey>();
  for (const given of listedKeys(text).slice(0, MOST_KEYS)) {
    const { kid } = given;
    const jwk = publicKeyOf(given);
    // Of two keys with one id the first counts.
    if (jwk === undefined || typeof kid !== 'string' || kid === '' || keys.has(kid)) continue;
    keys.set(kid, { jwk, fingerprint: hash('sha256', JSON.stringify(jwk), 'hex') });
  }
  return keys.size === 0 ? undefined : keys;
}

type Members = Readonly<Record<string, unknown>>;

function listedKeys(text: string): readonly Members[] {
  try {
    const { keys } = Object(JSON.parse(text)) as { keys?: unknown };
    return Array.isArray(keys) ? keys.map((key) => Object(key) as Members) : [];
  } catch {
    return [];
  }
}

/** With the members of a public key only. */
function publicKeyOf(given: Members): JWK | undefined {
  const { kty, use, alg } = given;
  if (!USES.includes(use) || !isKeyType(kty)) return undefined;
  const members = PUBLIC_MEMBERS[kty].map((name) => [name, given[name]] as const);
  if (!members.every(([, value]) => typeof value === 'string')) return undefined;
  return { kty, ...(typeof alg === 'string' && { alg }), ...Object.fromEntries(members) } as JWK;
}

function isKeyType(kty: unknown): kty is keyof typeof PUBLIC_MEMBERS {
  return typeof kty === 'string' && Object.hasOwn(PUBLIC_MEMBERS, kty);
}
