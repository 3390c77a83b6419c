/** What is known of a visit to one of our pages, for the logs. The reference that a page shows leads to it. */
export interface PageTrace {
  /** Resource name that the visit is about, `tenants/acme/connections/ada`; empty until it is known. */
  resource: string;
  /** An audit entry with the request id of the visit was written. */
  audited: boolean;
  /** Entra's codes, such as `invalid_request/AADSTS9002327`, if an answer of Entra was refused. */
  entraError?: string | undefined;
  /** What to do about them. */
  hint?: string | undefined;
}
