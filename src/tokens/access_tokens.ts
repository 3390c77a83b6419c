import type { AccessToken, TokenSource } from '../model/access_token.ts';
import type { Duration } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
/** Fresh access tokens, from memory where one lives long enough. */
export interface AccessTokens {
  /**
   * A hit answers without a promise, a timer or a signal (5-refresh, "What a hit costs"), and always with the same
   * object while the cached token stays the same, so that the encoded answer can be kept beside it. What is known
   * to stand in the way is thrown as directly.
   */
  get(request: AccessTokenRequest): ServedToken | Promise<ServedToken>;
  /** The present token, then each new one before the old one's `minTtl` begins; ends when the signal does. */
  watch(request: AccessTokenRequest): AsyncGenerator<ServedToken, void, void>;
  getForApp(request: AppTokenRequest): ServedToken | Promise<ServedToken>;
  /** Redeems now, whatever is cached, and tells how the connection stands. */
  verifyConnection(request: { tenantId: string; connectionId: string; signal: () => AbortSignal }): Promise<Connection>;
  /** Ends refresh-ahead and keep-alive, and waits until what was asked of Entra is recorded. */
  close(): Promise<void>;
}

export interface AccessTokenRequest {
  readonly tenantId: string;
  readonly connectionId: string;
  /** Product scopes; none: those of the connection, if they are of one resource. */
  readonly scopes: readonly string[];
  readonly minTtl: Duration;
  /** A claims challenge that the resource answered with, JSON text. */
  readonly claims: string | undefined;
  /** Hex; "the resource refused this token". */
  readonly rejectedTokenSha256: string | undefined;
  /** Made only when somebody waits: the caller's deadline and cancellation. */
  readonly signal: () => AbortSignal;
}

export interface AppTokenRequest {
  readonly tenantId: string;
  readonly appId: string;
  /** Canonical resource URI. */
  readonly resource: string;
  /** Undefined: the app's own directory, where it has one. */
  readonly directoryId: string | undefined;
  readonly minTtl: Duration;
  readonly signal: () => AbortSignal;
}

export interface ServedToken {
  readonly accessToken: AccessToken;
  readonly source: TokenSource;
  /** Product scopes or permissions that this answer was asked for are the caller's to audit; this is what the connection is. */
  readonly connectionUid: string | undefined;
}

export interface ChangesFeed {
  readonly behind: boolean;
}
