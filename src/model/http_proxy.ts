import type { Secret } from './secret.ts';

/** The proxy on the way to Entra and Graph (`HTTPS_PROXY`). Loopback is never reached through it. */
export interface HttpProxy {
  /** May hold a user name and a password. */
  readonly url: Secret;
  /** `host:port`, to show. */
  readonly host: string;
  /** Hosts that are reached without it, as in `NO_PROXY`. */
  readonly noProxy: string;
}
