import { Agent, type Dispatcher, EnvHttpProxyAgent, Pool } from 'undici';
import { type Duration, SECOND } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import { isLoopbackHost } from '../model/loopback.ts';

/** Connections to Entra and Graph, by way of the proxy where there is one. */
export interface Dispatchers {
  of(url: string): Dispatcher;
  close(): Promise<void>;
}

/** Given explicitly, so that neither NODE_TLS_REJECT_UNAUTHORIZED nor NODE_OPTIONS can weaken it. */
const TLS = { minVersion: 'TLSv1.2', rejectUnauthorized: true } as const;

/** For a proxy to answer CONNECT. */
const CONNECT_TIMEOUT: Duration = 5 * SECOND;

export function createDispatchers(connections: number, proxy: HttpProxy | undefined): Dispatchers {
  const options = {
    connections,
    pipelining: 1,
    keepAliveTimeout: 30_000,
    // A page of HTML in headers is nobody's token answer.
    maxHeaderSize: 32 * 1024,
    allowH2: false,
  };
  const direct = new Agent({ ...options, connect: TLS });
  if (proxy === undefined) return { of: () => direct, close: () => direct.close() };

  const proxied = new EnvHttpProxyAgent({
    ...options,
    connect: TLS,
    requestTls: TLS,
    proxyTls: TLS,
    httpsProxy: proxy.url.reveal(),
    // Plain http is for loopback alone.
    httpProxy: '',
    noProxy: proxy.noProxy,
    // undici waits five minutes: a proxy that accepts and stays silent would keep every connection busy after it recovered.
    clientFactory: (origin, of) => new Pool(origin, { ...of, headersTimeout: CONNECT_TIMEOUT }),
  });
  return {
    of: (url) => (isLoopbackHost(new URL(url).hostname) ? direct : proxied),
    async close() {
      await Promise.all([direct.close(), proxied.close()]);
    },
  };
}
