import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import type { ServerOptions as SecureServerOptions } from 'node:https';
import { limitConnections } from './evict_idle_connections.ts';
import type { HttpResponse } from './http_response.ts';

/** Limits for slow and large requests. Milliseconds and bytes. Entra's authorization code takes 2 KB of the header. */
export const HTTP_LIMITS: ServerOptions = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};

/** Node's default for a TLS handshake is 120 s: idle sockets could lock browsers out. */
export const HTTPS_LIMITS: SecureServerOptions = { ...HTTP_LIMITS, handshakeTimeout: 5_000 };

/** Answers every request of the server. `headers` apply to all responses; a response's own headers override them. */
export function serveRequests(
  server: Server,
  { maxConnections, headers }: { maxConnections: number; headers: Readonly<Record<string, string>> },
  handle: (request: IncomingMessage) => Promise<HttpResponse>,
): void {
  const limit = limitConnections(server, maxConnections);
  server.on('request', (request, response) => {
    limit.begin(request);
    handle(request)
      .then(({ status, body, ...own }) => {
        // An unread body would be parsed as the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        const length = String(Buffer.byteLength(body));
        response.writeHead(status, { ...headers, ...own.headers, 'content-length': length });
        response.end(request.method === 'HEAD' ? undefined : body);
        limit.answered(request);
      })
      .catch(() => response.destroy());
  });
}
