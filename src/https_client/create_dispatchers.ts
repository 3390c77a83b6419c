import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { type Duration, SECOND } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import { isLoopbackHost } from '../model/listen_address.ts';

export interface HttpOptions {
  /** Largest body, in bytes; the connection is closed beyond it. */
  readonly maxBody: number;
  /** Connections per origin. */
  readonly connections: number;
  /** Undefined: none. */
  readonly proxy?: HttpProxy | undefined;
  /** Certificates of the authorities, in PEM; undefined: those of Node. */
  readonly ca?: string | undefined;
}

/** Connections of an HTTP client. */
export interface Dispatchers {
  of(url: string): Dispatcher;
  /** Closes idle connections; requests in progress complete. */
  close(): Promise<void>;
}

/** Set explicitly, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor NODE_OPTIONS can weaken it. */
const TLS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** For a proxy to answer CONNECT. */
const CONNECT_TIMEOUT: Duration = 5 * SECOND;

/** Through the proxy if there is one, but never to loopback. */
export function createDispatchers({ connections, maxBody, proxy, ca }: HttpOptions): Dispatchers {
  const target = ca === undefined ? TLS : { ...TLS, ca };
  const options = {
    connections,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    // Token endpoints send far smaller headers.
    maxHeaderSize: 32 * 1024,
    maxResponseSize: maxBody,
    allowH2: false,
  };
  const direct = new Agent({ ...options, connect: target });
  if (proxy === undefined) return { of: (): Dispatcher => direct, close: () => direct.close() };

  const proxied = new EnvHttpProxyAgent({
    ...options,
    connect: target,
    requestTls: target,
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
