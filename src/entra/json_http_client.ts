import { Agent, type Dispatcher, EnvHttpProxyAgent, errors, Pool, request } from 'undici';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import { isLoopbackHost } from '../model/listen_address.ts';
import { parseJsonObject } from './json_object.ts';
import type { RawTokenResponse, TransportFault } from './raw_response.ts';

export type JsonHttp = ReturnType<typeof createJsonHttp>;

export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** For connecting, sending, waiting and reading together. */
  readonly timeout: Duration;
  readonly correlationId: string;
}

export interface HttpOptions {
  /** Largest body, in bytes; the connection is closed beyond it. Token responses have about 6 KB. */
  readonly maxBody: number;
  /** Connections per origin. */
  readonly connections: number;
  /** Undefined: none. */
  readonly proxy?: HttpProxy | undefined;
}

/** HTTP client for Entra and Graph. Sends each request once. Never throws: a fault is part of the response. */
export function createJsonHttp({ clock, options }: { clock: Clock; options: HttpOptions }) {
  const dispatchers = createDispatchers(options);

  return {
    async send(url: string, { method, headers, body, timeout, correlationId }: JsonRequest): Promise<RawTokenResponse> {
      const signal = AbortSignal.timeout(Math.ceil(timeout));
      const base = { sendTime: clock.now(), correlationId, retryAfter: undefined, date: undefined, body: undefined };
      let head: Omit<RawTokenResponse, 'fault'> = { ...base, status: undefined };
      try {
        // undici's request follows no redirects: a 307 would send the client secret to the address that it names.
        const response = await request(url, {
          method,
          dispatcher: dispatchers.of(url),
          signal,
          headersTimeout: 0,
          bodyTimeout: 0,
          headers: {
            ...headers,
            accept: 'application/json',
            'client-request-id': correlationId,
            'return-client-request-id': 'true',
          },
          body: body ?? null,
        });
        // undici emits an error if a body is cut off, also by us; without a listener it would end the process.
        response.body.on('error', () => {});
        const { headers: received, statusCode: status } = response;
        head = { ...base, status, retryAfter: single(received['retry-after']), date: single(received['date']) };
        if (status >= 300 && status < 400) {
          response.body.destroy();
          return { ...head, fault: 'redirect' };
        }
        const parsed = parseJsonObject(await response.body.text());
        return { ...head, body: parsed, fault: parsed === undefined ? 'not_json' : undefined };
      } catch (error) {
        return { ...head, fault: faultOf(error, signal) };
      }
    },
    /** Closes idle connections; requests in progress complete. */
    close: () => dispatchers.close(),
  };
}

function faultOf(error: unknown, signal: AbortSignal): TransportFault {
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'too_large';
  return signal.aborted || error instanceof errors.ConnectTimeoutError ? 'timeout' : 'closed';
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

/** Set explicitly, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor NODE_OPTIONS can weaken it. */
const TLS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** For a proxy to answer CONNECT. */
const CONNECT_TIMEOUT: Duration = 5 * SECOND;

/** Connections to Entra and Graph, through the proxy if there is one. */
function createDispatchers({ connections, maxBody, proxy }: HttpOptions) {
  const options = {
    connections,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    // Token endpoints send far smaller headers.
    maxHeaderSize: 32 * 1024,
    maxResponseSize: maxBody,
    allowH2: false,
  };
  const direct = new Agent({ ...options, connect: TLS });
  if (proxy === undefined) return { of: (): Dispatcher => direct, close: () => direct.close() };

  const proxied = new EnvHttpProxyAgent({
    ...options,
    connect: TLS,
    requestTls: TLS,
    proxyTls: TLS,
    httpsProxy: proxy.url.reveal(),
    // Plain http is allowed on loopback only.
    httpProxy: '',
    noProxy: proxy.noProxy,
    // undici waits five minutes: a proxy that does not answer would block all connections even after it recovers.
    clientFactory: (origin, of) => new Pool(origin, { ...of, headersTimeout: CONNECT_TIMEOUT }),
  });
  return {
    of: (url: string): Dispatcher => (isLoopbackHost(new URL(url).hostname) ? direct : proxied),
    close: () => Promise.all([direct.close(), proxied.close()]).then(() => {}),
  };
}
