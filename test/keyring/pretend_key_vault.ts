import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TokenCredential } from '@azure/identity';
import type { SecretClientOptions } from '@azure/keyvault-secrets';

export const ORIGIN = 'https://pretend.vault.azure.net';
export const TOKEN = 'pretend-bearer-token';

export interface PretendVersion {
  /** Of the secret; `kek` where it is left out. */
  name?: string;
  version: string;
  value: string;
  /** Seconds since the epoch, as the next two. */
  created: number;
  notBefore?: number;
  expires?: number;
  enabled?: boolean;
}

/** What to answer in place of the truth; `hang` never answers, `after` tells the truth later. */
export type Fault =
  | 'hang'
  | { after: Promise<unknown> }
  | { status: number; headers?: Record<string, string>; body?: string };

export interface PretendKeyVault {
  url: string;
  credential: TokenCredential;
  /** Leads the real host name to the pretend server, so that the SDK's check of the challenge's host stays on. */
  clientOptions: SecretClientOptions;
  /** What it holds; may change. */
  versions: PretendVersion[];
  /** `METHOD path with|without token`, in order. */
  asked: string[];
  /** Scopes that tokens were asked for. */
  scopes: string[];
  /** For the next requests that carry a token, one each. */
  faults: Fault[];
  /** For every request that carries a token, after `faults` ran out. */
  fault: Fault | undefined;
  close(): Promise<void>;
}

/** The part of Azure Key Vault that reads secrets: challenge first, lists in pages of one, refuses disabled versions. */
export async function startPretendKeyVault(versions: readonly PretendVersion[]): Promise<PretendKeyVault> {
  const asked: string[] = [];
  const scopes: string[] = [];
  const server = createServer((request, response) => answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  // TLS is Node's business and needs a certificate; the socket is plain, everything above it as in production.
  const agent = new Agent();
  agent.createConnection = () => connect(port, '127.0.0.1');

  const vault: PretendKeyVault = {
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
            name: 'toThePretendKeyVault',
            sendRequest(request, next) {
              request.agent = agent;
              return next(request);
            },
          },
        },
      ],
    },
    versions: [...versions],
    asked,
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
    else if (fault === undefined) tell(url, response);
    else {
      // What is true now.
      const then = [...vault.versions];
      void fault.after.then(() => tell(url, response, then));
    }
  }

  function tell(url: URL, response: ServerResponse, from: readonly PretendVersion[] = vault.versions): void {
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

  function page(url: URL, all: readonly PretendVersion[]) {
    const at = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(at + 1));
    return { value: all.slice(at, at + 1).map(item), nextLink: at + 1 < all.length ? next.href : null };
  }

  return vault;
}

function item({ name = 'kek', version, created, notBefore, expires, enabled = true }: PretendVersion) {
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
