/** Facts about a request to a page, for the logs. The reference on the page leads to them. */
export interface PageTrace {
  /** Resource name, `tenants/acme/connections/ada`; empty until it is known. */
  resource: string;
  /** Address and port that the request came from; behind a proxy, the proxy's. */
  readonly peer: string;
  /** An audit entry with the request id was written. */
  audited: boolean;
  /** Entra's codes, such as `invalid_request/AADSTS9002327`, if Entra returned an error. */
  entraError?: string | undefined;
  /** The next step for these codes. */
  hint?: string | undefined;
}
