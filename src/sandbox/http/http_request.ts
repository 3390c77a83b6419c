import type { IncomingHttpHeaders } from 'node:http';

/** One HTTP request, read to its end. */
export interface SandboxRequest {
  method: string;
  /** Decoded, without the query. */
  path: string;
  query: URLSearchParams;
  headers: IncomingHttpHeaders;
  body: string;
}
