import type { Timestamp } from './clock.ts';

/** The client certificate of one TLS session. It is read once, when the session begins. */
export interface ClientCertificate {
  /** What it claims to be: a SPIFFE id or a DNS name. For logs also if it is not valid; then it proves nothing. */
  readonly subject: string;
  /** Why it authenticates nobody. Undefined: it was valid when the session began. */
  readonly fault: string | undefined;
  /** Fingerprint of the CA that it was verified with. */
  readonly authority: string | undefined;
  readonly expireTime: Timestamp;
}
