import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';

export type SigningAlgorithm = 'RS256' | 'ES256';

/** The pretend authority's signing key. */
export interface SigningKey {
  algorithm: SigningAlgorithm;
  keyId: string;
  publicJwk: JWK;
  publicKey: CryptoKey;
  sign(payload: JWTPayload): Promise<string>;
}

/**
 * RS256 is what Entra signs with; ES256 is for load, since a signature of RSA-2048 takes ten times as long.
 * With a `file` the key is kept there, so that tokens outlive a restart of the sandbox.
 */
export async function createSigningKey(algorithm: SigningAlgorithm, file?: string): Promise<SigningKey> {
  const privateJwk = file !== undefined && existsSync(file) ? readKey(file) : await makeKey(algorithm);
  if (file !== undefined && !existsSync(file)) writeFileSync(file, JSON.stringify(privateJwk), { mode: 0o600 });
  const used = privateJwk.kty === 'EC' ? 'ES256' : 'RS256';
  const { kty, n, e, crv, x, y } = privateJwk;
  const bare: JWK =
    kty === 'EC' ? { kty, crv: crv ?? '', x: x ?? '', y: y ?? '' } : { kty: 'RSA', n: n ?? '', e: e ?? '' };
  const keyId = (await calculateJwkThumbprint(bare)).slice(0, 27);
  const privateKey = await importJWK(privateJwk, used);
  const publicKey = await importJWK(bare, used);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array) throw new TypeError('not an asymmetric key');
  const header = { typ: 'JWT', alg: used, kid: keyId };
  return {
    algorithm: used,
    keyId,
    publicJwk: { ...bare, use: 'sig', kid: keyId, x5t: keyId, alg: used },
    publicKey,
    sign: (payload) => new SignJWT(payload).setProtectedHeader(header).sign(privateKey),
  };
}

async function makeKey(algorithm: SigningAlgorithm): Promise<JWK> {
  const pair = await generateKeyPair(algorithm, { extractable: true });
  return exportJWK(pair.privateKey);
}

function readKey(file: string): JWK {
  const parsed: JWK = JSON.parse(readFileSync(file, 'utf8'));
  return parsed;
}
