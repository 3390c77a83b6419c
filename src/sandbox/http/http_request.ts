import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP request with its whole body. */
export interface SandboxRequest {
  method: string;
  /** Decoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}
