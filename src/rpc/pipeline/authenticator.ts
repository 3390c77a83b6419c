import type { Caller } from '../../model/authenticated_caller.ts';
import type { ClientCertificate } from '../../model/client_certificate.ts';

/** Finds the caller by what a call presents. */
export interface Authenticator {
  /** UNAUTHENTICATED: nothing is presented, or something that is not valid, also if another credential is. */
  authenticate(presented: Presented): Caller;
  /** The callers, once for each credential. */
  known(): readonly Caller[];
  /** Calls `listener` after callers or their rules changed. Returns the function that stops it. */
  listen(listener: () => void): () => void;
}

/** The credentials of a call. */
export interface Presented {
  /** The `authorization` header. */
  readonly authorization: string | undefined;
  /** Of the TLS session. */
  readonly certificate: ClientCertificate | undefined;
}
