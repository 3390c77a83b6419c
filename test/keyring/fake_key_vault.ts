import { constants, generateKeyPairSync, type KeyObject, privateDecrypt, publicEncrypt } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { connect } from 'node:tls';
import type { TokenCredential } from '@azure/identity';
import type { KeyVaultClientOptions } from '../../src/keyring/run_with_azure_sdk_client.ts';
import { makeCertificate } from '../event_delivery/certificates.ts';
import { describeCertificate, type FakeCertificate, signDigest } from './fake_key_vault_certificates.ts';

export const ORIGIN = 'https://pretend.vault.azure.net';
export const TOKEN = 'pretend-bearer-token';

export interface FakeVersion {
  /** Of the secret. Default: `kek`. */
  name?: string;
  version: string;
  value: string;
  /** Seconds since the epoch, as the next two. */
  created: number;
  notBefore?: number;
  expires?: number;
  enabled?: boolean;
}

/** A version of the RSA key `kek`. */
export interface FakeKey {
  version: string;
  /** Seconds since the epoch, as the next. */
  created: number;
  expires?: number;
  enabled?: boolean;
  pair: { publicKey: KeyObject; privateKey: KeyObject };
}

export function fakeKey(version: string, more: Partial<FakeKey> = {}): FakeKey {
  return { version, created: 1_700_000_000, pair: generateKeyPairSync('rsa', { modulusLength: 2048 }), ...more };
}

/** Response instead of the real one; `hang` never responds, `after` responds later. */
export type Fault =
  | 'hang'
  | { after: Promise<unknown> }
  | { status: number; headers?: Record<string, string>; body?: string };

export interface FakeKeyVault {
  url: string;
  credential: TokenCredential;
  /** Connects the real host name to the fake server, so that the SDK's check of the challenge's host stays active. */
  clientOptions: KeyVaultClientOptions;
  /** Its versions; may change. */
  versions: FakeVersion[];
  /** The RSA key `kek`; may change. */
  keys: FakeKey[];
  /** Its certificates, the newest version of each last; may change. */
  certificates: FakeCertificate[];
  /** `METHOD path with|without token`, in order. */
  requests: string[];
  /** Scopes of requested tokens. */
  scopes: string[];
  /** For the next requests with a token, one each. */
  faults: Fault[];
  /** For every request with a token, after `faults` is empty. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

/** Of all fakes of a test file, since each takes a process. */
let tls: ReturnType<typeof makeCertificate> | undefined;

/**
 * Azure Key Vault over TLS: challenge first; secrets are read, in lists of one a page; keys are described, wrap, and
 * unwrap, also expired ones; certificates are read, and their keys sign. Disabled versions are refused.
 */
export async function startFakeKeyVault(
  versions: readonly FakeVersion[],
  keys: readonly FakeKey[] = [],
): Promise<FakeKeyVault> {
  const asked: string[] = [];
  const scopes: string[] = [];
  tls ??= makeCertificate(`DNS:${new URL(ORIGIN).hostname}`);
  const { key, cert: ca } = tls;
  const server = createServer({ key, cert: ca }, (request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  const agent = new Agent();
  agent.createConnection = () => connect({ port, host: '127.0.0.1', servername: new URL(ORIGIN).hostname, ca });

  const vault: FakeKeyVault = {
    url: `${ORIGIN}/secrets/kek`,
    credential: {
      async getToken(wanted) {
        scopes.push(...[wanted].flat());
        return { token: TOKEN, expiresOnTimestamp: Date.now() + 3_600_000 };
      },
    },
    clientOptions: {
      additionalPolicies: [
        {
          position: 'perRetry',
          policy: {
            name: 'toTheFakeKeyVault',
            sendRequest(request, next) {
              request.agent = agent;
              return next(request);
            },
          },
        },
      ],
    },
    versions: [...versions],
    keys: [...keys],
    certificates: [],
    requests: asked,
    scopes,
    faults: [],
    fault: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', ORIGIN);
    const authorized = request.headers.authorization === `Bearer ${TOKEN}`;
    asked.push(`${request.method} ${url.pathname} ${authorized ? 'with' : 'without'} token`);
    if (!authorized) {
      const challenge =
        'Bearer authorization="https://login.microsoftonline.com/dir", resource="https://vault.azure.net"';
      send(response, 401, error('Unauthorized'), { 'WWW-Authenticate': challenge });
      return;
    }
    const fault = vault.faults.shift() ?? vault.fault;
    if (fault === 'hang') return;
    if (fault !== undefined && 'status' in fault) {
      send(response, fault.status, fault.body ?? error('Fault'), fault.headers);
    } else if (!url.searchParams.has('api-version')) send(response, 400, error('BadParameter'));
    else if (request.method === 'POST')
      void Promise.all([json(request), fault?.after]).then(([body]) => useKey(url, response, body as KeyUse));
    else if (url.pathname.startsWith('/certificates/')) showCertificate(url, response);
    else if (url.pathname.startsWith('/keys/')) useKey(url, response);
    else if (fault === undefined) tell(url, response);
    else {
      // The state at the time of the response.
      const then = [...vault.versions];
      void fault.after.then(() => tell(url, response, then));
    }
  }

  function tell(url: URL, response: ServerResponse, from: readonly FakeVersion[] = vault.versions): void {
    const [, secrets, name = '', version = ''] = url.pathname.split('/');
    // Names are case-insensitive.
    const all = from.filter((one) => (one.name ?? 'kek').toLowerCase() === name.toLowerCase());
    if (secrets !== 'secrets' || all.length === 0) send(response, 404, error('SecretNotFound'));
    else if (version === 'versions') send(response, 200, page(url, all));
    else {
      const newest = all.toSorted((a, b) => b.created - a.created)[0];
      const found = version === '' ? newest : all.find((one) => one.version === version);
      if (found === undefined) send(response, 404, error('SecretNotFound'));
      else if (found.enabled === false) send(response, 403, error('Forbidden', 'SecretDisabled'));
      else send(response, 200, { ...item(found), value: found.value });
    }
  }

  function showCertificate(url: URL, response: ServerResponse): void {
    const [, , name, version = ''] = url.pathname.split('/');
    const found = vault.certificates.findLast(
      (one) => one.name === name && (version === '' || one.version === version),
    );
    if (found === undefined) send(response, 404, error('CertificateNotFound'));
    else send(response, 200, describeCertificate(found));
  }

  function sign(one: FakeCertificate, response: ServerResponse, body: KeyUse): void {
    const signed = one.enabled === false ? undefined : signDigest(one, body);
    if (one.enabled === false) send(response, 403, error('Forbidden', 'KeyDisabled'));
    else if (signed === undefined) send(response, 400, error('BadParameter'));
    else send(response, 200, signed);
  }

  function useKey(url: URL, response: ServerResponse, body?: KeyUse): void {
    const [, , name, version = '', operation] = url.pathname.split('/');
    const signing = vault.certificates.find((one) => one.name === name && one.version === version);
    const newest = vault.keys.toSorted((a, b) => b.created - a.created)[0];
    const key = version === '' ? newest : vault.keys.find((one) => one.version === version);
    if (signing !== undefined && operation === 'sign' && body !== undefined) sign(signing, response, body);
    else if (name !== 'kek' || key === undefined) send(response, 404, error('KeyNotFound'));
    else if (body === undefined) send(response, 200, describeKey(key));
    else if (key.enabled === false) send(response, 403, error('Forbidden', 'KeyDisabled'));
    else {
      const value = transform(key, url.pathname.split('/')[4], body);
      if (value === undefined) send(response, 400, error('BadParameter'));
      else send(response, 200, { kid: kidOf(key), value: value.toString('base64url') });
    }
  }

  function page(url: URL, all: readonly FakeVersion[]) {
    const at = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(at + 1));
    return { value: all.slice(at, at + 1).map(item), nextLink: at + 1 < all.length ? next.href : null };
  }

  return vault;
}

interface KeyUse {
  alg: string;
  value: string;
}

const kidOf = ({ version }: FakeKey) => `${ORIGIN}/keys/kek/${version}`;

function describeKey(key: FakeKey) {
  const { created, expires, enabled = true, pair } = key;
  const { n, e } = pair.publicKey.export({ format: 'jwk' });
  return {
    key: { kid: kidOf(key), kty: 'RSA', key_ops: ['wrapKey', 'unwrapKey'], n, e },
    attributes: { enabled, created, updated: created, exp: expires },
  };
}

/** Undefined: Key Vault refuses the parameters. */
function transform({ pair }: FakeKey, operation: string | undefined, body: KeyUse) {
  const padding = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' };
  const value = Buffer.from(body.value, 'base64url');
  if (body.alg !== 'RSA-OAEP-256') return undefined;
  if (operation === 'wrapkey') return publicEncrypt({ key: pair.publicKey, ...padding }, value);
  try {
    return privateDecrypt({ key: pair.privateKey, ...padding }, value);
  } catch {
    return undefined;
  }
}

function item({ name = 'kek', version, created, notBefore, expires, enabled = true }: FakeVersion) {
  return {
    id: `${ORIGIN}/secrets/${name}/${version}`,
    attributes: { enabled, created, updated: created, nbf: notBefore, exp: expires },
  };
}

function error(code: string, inner?: string) {
  return { error: { code, message: `pretended ${code}`, ...(inner !== undefined && { innererror: { code: inner } }) } };
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
