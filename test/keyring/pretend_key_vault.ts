import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { Agent } from 'node:https';
import { type AddressInfo, connect } from 'node:net';
import type { TokenCredential } from '@azure/identity';
import type { SecretClientOptions } from '@azure/keyvault-secrets';

const ORIGIN = 'https://pretend.vault.azure.net';
const TOKEN = 'pretend-bearer-token';

export interface PretendVersion {
  version: string;
  value: string;
  /** Seconds since the epoch. */
  created: number;
  enabled?: boolean;
}

/** What to answer in place of the truth; `hang` never answers. */
export type Fault = 'hang' | { status: number; headers?: Record<string, string>; body?: string };

export interface PretendKeyVault {
  url: string;
  credential: TokenCredential;
  /** Leads the real host name to the pretend server, so that the SDK's check of the challenge's host stays on. */
  clientOptions: SecretClientOptions;
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

/** The part of Azure Key Vault that reads one secret `kek`: challenge first, lists in pages of one, refuses disabled versions. */
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
    if (fault !== undefined) send(response, fault.status, fault.body ?? error('Fault'), fault.headers);
    else if (!url.searchParams.has('api-version')) send(response, 400, error('BadParameter'));
    else tell(url, response);
  }

  function tell(url: URL, response: ServerResponse): void {
    const [, secrets, name, version] = url.pathname.split('/');
    if (secrets !== 'secrets' || name !== 'kek') send(response, 404, error('SecretNotFound'));
    else if (version === 'versions') send(response, 200, page(url));
    else {
      const found = versions.find((one) => one.version === version);
      if (found === undefined) send(response, 404, error('SecretNotFound'));
      else if (found.enabled === false) send(response, 403, error('Forbidden'));
      else send(response, 200, { ...item(found), value: found.value });
    }
  }

  function page(url: URL) {
    const at = Number(url.searchParams.get('$skiptoken') ?? 0);
    const next = new URL(url);
    next.searchParams.set('$skiptoken', String(at + 1));
    return { value: versions.slice(at, at + 1).map(item), nextLink: at + 1 < versions.length ? next.href : null };
  }

  return vault;
}

function item({ version, created, enabled = true }: PretendVersion) {
  return { id: `${ORIGIN}/secrets/kek/${version}`, attributes: { enabled, created, updated: created } };
}

function error(code: string) {
  return { error: { code, message: `pretended ${code}` } };
}

function send(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(typeof body === 'string' ? body : JSON.stringify(body));
}
