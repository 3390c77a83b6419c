import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { makeCertificate } from '../event_delivery/certificates.ts';

/** What the JWKS host answers. `hang`: nothing, until the test ends it. */
type Answer = 'keys' | 'hang' | { readonly status: number; readonly body: string; readonly location?: string };

export interface FakeIssuer {
  readonly jwksUrl: string;
  /** PEM of its certificate; empty if it serves plaintext. */
  readonly ca: string;
  /** Requests of the JWK set, with their `authorization` headers. */
  readonly requests: (string | undefined)[];
  answer: Answer;
  jwks(): string;
  addKey(keyId: string, algorithm?: string): Promise<SigningKey>;
  removeKey(keyId: string): void;
  /** By the first key. */
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>, keyId?: string): Promise<string>;
  /** Ends requests in progress without an answer. */
  drop(): void;
  /** Resolves at the next request of the JWK set. */
  requested(): Promise<void>;
  close(): Promise<void>;
}

export interface SigningKey {
  readonly publicJwk: JWK;
  sign(claims: JWTPayload, header?: Readonly<Record<string, unknown>>): Promise<string>;
}

export async function createSigningKey(kid: string, alg = 'ES256'): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
  return {
    publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' },
    sign: (claims, header) => new SignJWT(claims).setProtectedHeader({ alg, kid, ...header }).sign(privateKey),
  };
}

/** An issuer of tokens with the key `k1` (ES256), whose JWKS host a test can break. */
export async function startFakeIssuer(options: { readonly tls?: boolean } = {}): Promise<FakeIssuer> {
  const keys = new Map<string, SigningKey>();
  const requests: (string | undefined)[] = [];
  const waiting = new Set<() => void>();
  const certificate = options.tls ? makeCertificate('IP:127.0.0.1') : undefined;
  const server = certificate === undefined ? createServer(respond) : createTlsServer(certificate, respond);

  function respond(request: IncomingMessage, response: ServerResponse): void {
    requests.push(request.headers.authorization);
    for (const resolve of waiting) resolve();
    waiting.clear();
    const { answer } = issuer;
    if (answer === 'hang') return;
    const { status, body, location = '' } = answer === 'keys' ? { status: 200, body: issuer.jwks() } : answer;
    response.writeHead(status, { 'content-type': 'application/json', location }).end(body);
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const issuer: FakeIssuer = {
    jwksUrl: `${options.tls ? 'https' : 'http'}://127.0.0.1:${port}/jwks`,
    ca: certificate?.cert ?? '',
    requests,
    answer: 'keys',
    jwks: () => JSON.stringify({ keys: [...keys.values()].map(({ publicJwk }) => publicJwk) }),
    async addKey(keyId, algorithm) {
      const key = await createSigningKey(keyId, algorithm);
      keys.set(keyId, key);
      return key;
    },
    removeKey: (keyId) => void keys.delete(keyId),
    async sign(claims, header, keyId = 'k1') {
      const key = keys.get(keyId);
      if (key === undefined) throw new Error(`no key ${keyId}`);
      return key.sign(claims, header);
    },
    requested: () => new Promise((resolve) => waiting.add(resolve)),
    drop: () => server.closeAllConnections(),
    async close() {
      server.closeAllConnections();
      server.close();
    },
  };
  await issuer.addKey('k1');
  return issuer;
}
