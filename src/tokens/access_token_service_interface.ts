import type { AccessToken, TokenSource, TokenSubject } from '../model/access_token.ts';
import type { Rule } from '../model/authenticated_caller.ts';
import type { Duration, Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';

/** Serves access tokens, from memory where a cached one is valid for long enough. */
export interface AccessTokens {
  /**
   * A hit answers without a promise, a timer or a signal (5-refresh, "What a hit costs"), and always with the same object while the
   * cached token stays the same, so that the encoded response can be cached with it. Known refusals are thrown synchronously, too.
   */
  get(request: AccessTokenRequest): ServedToken | Promise<ServedToken>;
  /**
   * Whether a token of `get` may still be sent after it had to wait: not if its connection was suspended, contained or deleted
   * meanwhile, or if less than `minTtl` is left. The reasons of `get`. Without a promise if that is known in memory.
   */
  recheck(request: AccessTokenRequest, expireTime: Timestamp): undefined | Promise<void>;
  /** The current token, then each new one before `minTtl` of the old one begins; completes when the signal aborts. */
  watch(request: AccessTokenRequest): AsyncGenerator<ServedToken, void, void>;
  getForApp(request: AppTokenRequest): ServedToken | Promise<ServedToken>;
  /**
   * Checks the ceilings as `get` does, but against the last grant, so that Entra is not called. The connection may be one
   * that is not served. The reasons of `get` about names and scopes; SCOPE_ABOVE_CEILING.
   */
  checkCeilings(request: CeilingRequest): Promise<void>;
  /** Redeems now, whatever is cached, and returns the connection as it is then. */
  verifyConnection(request: VerifyConnectionRequest): Promise<Connection>;
  /** The scope catalogs were replaced. */
  forgetScopes(): void;
  /** Stops refresh-ahead and keep-alive, and waits until all outcomes of requests to Entra are recorded. */
  close(): Promise<void>;
}

export interface AccessTokenRequest {
  /** Forced exchanges count against the share of their caller. */
  readonly callerId: string;
  readonly tenantId: string;
  readonly connectionId: string;
  /** Product scopes; empty: those of the connection, if they are of one resource. */
  readonly scopes: readonly string[];
  readonly minTtl: Duration;
  /** A claims challenge that the resource returned, JSON text. */
  readonly claims: string | undefined;
  /** Hex; a token that the resource refused. */
  readonly rejectedTokenSha256: string | undefined;
  /** Undefined: no ceiling applies. */
  readonly ceilings?: TokenCeilings | undefined;
  /** The caller's deadline and cancellation; created only when the call waits. */
  readonly signal: () => AbortSignal;
}

export interface CeilingRequest extends Pick<AccessTokenRequest, 'tenantId' | 'connectionId' | 'scopes'> {
  readonly ceilings: TokenCeilings;
}

/** The ceilings of the rules that allow a call. */
export interface TokenCeilings {
  /** One of them must cover the token. Undefined: no ceiling applies. They can change during a stream. */
  readonly rules: readonly Rule[] | undefined;
  /** Receives the rule that covers the token, and the permissions that the token carries beyond its ceiling. */
  decided(rule: Rule, excess: readonly string[]): void;
  /** Calls `listener` after `rules` changed. Returns the function that stops it. */
  listen(listener: () => void): () => void;
}

export type VerifyConnectionRequest = Pick<AccessTokenRequest, 'callerId' | 'tenantId' | 'connectionId' | 'signal'>;

export interface AppTokenRequest {
  readonly tenantId: string;
  readonly appId: string;
  /** Canonical resource URI. */
  readonly resource: string;
  /** Undefined: the app's own directory, where it has one. */
  readonly directoryId: string | undefined;
  readonly minTtl: Duration;
  /** A new token, whatever is cached: it has the roles of the app as they are now. */
  readonly fresh?: boolean | undefined;
  readonly ceilings?: TokenCeilings | undefined;
  readonly signal: () => AbortSignal;
}

export interface ServedToken {
  readonly accessToken: AccessToken;
  readonly source: TokenSource;
  /** For the audit log. Undefined: an app's own token. */
  readonly connectionUid: string | undefined;
  /** For the audit log. Undefined: Entra named no account, as in an unverified import. */
  readonly subject: TokenSubject | undefined;
  /** What the API keeps of its answer, with a token that is served from memory again. */
  answer?: object | undefined;
}

export interface ChangesFeed {
  /** Changes of other replicas do not arrive at present, so each request reads the database. */
  readonly behind: boolean;
  /** They have been missing for so long that no token is served from memory unless the database can be read. */
  readonly stale: boolean;
}
