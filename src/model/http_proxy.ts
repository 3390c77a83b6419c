import type { Secret } from './secret.ts';

/** Proxy for requests to Entra and Graph (`HTTPS_PROXY`). Requests to loopback addresses bypass it. */
export interface HttpProxy {
  /** May contain a user name and a password. */
  readonly url: Secret;
  /** `host:port`, for display. */
  readonly host: string;
  /** Hosts that bypass it, as in `NO_PROXY`. */
  readonly noProxy: string;
}
