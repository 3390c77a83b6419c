import type { ServerOptions } from 'node:http';
import type { ServerOptions as SecureServerOptions } from 'node:https';

/** Against those who send slowly, or too much. Milliseconds and bytes. A code of Entra's takes 2 KB of the header. */
export const HTTP_LIMITS: ServerOptions = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};

/** Node waits 120 s for a TLS handshake: long enough for silent sockets to keep browsers out. */
export const HTTPS_LIMITS: SecureServerOptions = { ...HTTP_LIMITS, handshakeTimeout: 5_000 };
