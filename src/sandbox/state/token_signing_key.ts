import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  type JWK,
  type JWTPayload,
  SignJWT,
} from 'jose';

export type SigningAlgorithm = 'RS256' | 'ES256';

export type SigningKey = Awaited<ReturnType<typeof createSigningKey>>;

/**
 * The key that signs tokens. Entra uses RS256; ES256 is for load tests, because an RSA-2048 signature takes ten times as long.
 * With a `file` the key is stored there, so that tokens stay valid after a restart of the sandbox.
 */
export async function createSigningKey(algorithm: SigningAlgorithm, file?: string) {
  const privateJwk = file !== undefined && existsSync(file) ? readKey(file) : await makeKey(algorithm);
  if (file !== undefined && !existsSync(file)) writeFileSync(file, JSON.stringify(privateJwk), { mode: 0o600 });
  const used: SigningAlgorithm = privateJwk.kty === 'EC' ? 'ES256' : 'RS256';
  const { kty, n, e, crv, x, y } = privateJwk;
  const bare: JWK =
    kty === 'EC' ? { kty, crv: crv ?? '', x: x ?? '', y: y ?? '' } : { kty: 'RSA', n: n ?? '', e: e ?? '' };
  const keyId = (await calculateJwkThumbprint(bare)).slice(0, 27);
  const privateKey = await importJWK(privateJwk, used);
  const publicKey = await importJWK(bare, used);
  if (privateKey instanceof Uint8Array || publicKey instanceof Uint8Array)
    throw new TypeError('The signing key is not asymmetric.');
  const header = { typ: 'JWT', alg: used, kid: keyId };
  return {
    algorithm: used,
    publicJwk: { ...bare, use: 'sig', kid: keyId, x5t: keyId, alg: used },
    publicKey,
    sign: (payload: JWTPayload): Promise<string> => new SignJWT(payload).setProtectedHeader(header).sign(privateKey),
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
