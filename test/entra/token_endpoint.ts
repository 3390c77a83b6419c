import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A token endpoint with arbitrary responses, including malformed ones that the sandbox cannot send. */
export interface TokenEndpoint {
  readonly url: string;
  readonly requests: ReceivedRequest[];
  /** Response to later requests. */
  answer(respond: Respond): void;
  /** Settles when `count` requests have arrived in total. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export interface ReceivedRequest {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly form: URLSearchParams;
}

export type Respond = (request: ReceivedRequest, response: ServerResponse) => void | Promise<void>;

export async function startTokenEndpoint(): Promise<TokenEndpoint> {
  const requests: ReceivedRequest[] = [];
  let respond: Respond = (_, response) => json(response, 200, tokenBody());
  const waiters = new Set<() => void>();
  const server = createServer(async (incoming, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const form = new URLSearchParams(Buffer.concat(chunks).toString('utf8'));
    const received = { path: incoming.url ?? '', headers: incoming.headers, form };
    requests.push(received);
    for (const waiter of waiters) waiter();
    await respond(received, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer(next) {
      respond = next;
    },
    arrived(count) {
      return new Promise((resolve) => {
        const check = () => {
          if (requests.length < count) return;
          waiters.delete(check);
          resolve();
        };
        waiters.add(check);
        check();
      });
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

export function json(response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
}

export function tokenBody(overrides: Record<string, unknown> = {}) {
  return {
    token_type: 'Bearer',
    scope: 'Mail.Read User.Read openid profile email',
    expires_in: 3600,
    ext_expires_in: 3600,
    access_token: 'an-access-token',
    refresh_token: 'the-next-refresh-token',
    id_token: idToken({ oid: 'user-1', preferred_username: 'ada@example.com', name: 'Ada' }),
    ...overrides,
  };
}

export function errorBody(error: string, code: number, more: Record<string, unknown> = {}) {
  return {
    error,
    error_description: `AADSTS${code}: something about ada@example.com`,
    error_codes: [code],
    timestamp: '2026-11-22 03:00:00Z',
    trace_id: '11111111-1111-1111-1111-111111111111',
    correlation_id: '22222222-2222-2222-2222-222222222222',
    ...more,
  };
}

/** The directory of the account in `tokenBody`. */
export const DIRECTORY = 'd1000000-0000-4000-8000-000000000001';
/** Of `anApp`. */
const AUDIENCE = 'a0000000-0000-4000-8000-000000000001';
const ISSUED = { tid: DIRECTORY, aud: AUDIENCE, iss: `https://login.example/${DIRECTORY}/v2.0` };

export function idToken(overrides: Record<string, unknown>): string {
  const claims = { ...ISSUED, ...overrides };
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256', typ: 'JWT' })}.${part(claims)}.c2lnbmF0dXJl`;
}
