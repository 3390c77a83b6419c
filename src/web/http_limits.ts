import type { ServerOptions } from 'node:http';

/** Against those who send slowly, or too much. Milliseconds and bytes. A code of Entra's takes 2 KB of the header. */
export const HTTP_LIMITS: ServerOptions = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
};
