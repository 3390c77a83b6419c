import type { Caller } from '../../model/authenticated_caller.ts';
import type { ClientCertificate } from '../../model/client_certificate.ts';

/** Finds the caller by what a call presents. */
export interface Authenticator {
  /**
   * UNAUTHENTICATED: nothing is presented, or something that is not valid, also if another credential is.
   * KEY_SOURCE_UNAVAILABLE: the keys of a token's issuer cannot be read. A promise for a token that is seen first.
   */
  authenticate(presented: Presented): Caller | Promise<Caller>;
  /**
   * The caller of a call in progress, as things are now: removed, renamed, with other rules. UNAUTHENTICATED. Without a
   * promise, because it is checked before each message.
   */
  recheck(presented: Presented, caller: Caller): Caller;
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
  /** Address and port of the peer, so that connections take turns where it costs something to authenticate. */
  readonly connection?: string | undefined;
}
