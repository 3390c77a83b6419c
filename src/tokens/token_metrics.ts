import type { TokenSource } from '../model/access_token.ts';
import type { Duration } from '../model/clock.ts';

/** What is counted here. `served` runs on every hit, so it must be cheap. */
export interface TokenMetrics {
  served(source: TokenSource): void;
  /** One per answer of Entra; reason `OK` where it granted. */
  exchange(outcome: string, reason: string): void;
  /** From the request's sending to its answer, of users and of apps alike. */
  exchangeDuration(duration: Duration): void;
  /** Somebody else held the lease. */
  leaseLost(): void;
  /** An outcome came too late: the grant was replaced meanwhile. */
  fenced(): void;
  /** A record had to be tried again. */
  recordRetried(): void;
  /** How long after its `refreshTime` a token in use was replaced. */
  refreshLag(lag: Duration): void;
  refreshAheadFailed(reason: string): void;
  keptAlive(outcome: 'ok' | 'failed'): void;
  /** ACTIVE connections whose refresh token expires within 15 days unless it is redeemed. */
  nearIdleExpiry(count: number): void;
  /** Connections whose state change is deferred, because too many of their app fail the same way. */
  stateDeferred(count: number): void;
  /** Something that a person should look at. */
  alert(topic: TokenAlert): void;
}

export type TokenAlert = 'looping' | 'ours' | 'account_changed' | 'storm';

export const silentTokenMetrics: TokenMetrics = {
  served() {},
  exchange() {},
  exchangeDuration() {},
  leaseLost() {},
  fenced() {},
  recordRetried() {},
  refreshLag() {},
  refreshAheadFailed() {},
  keptAlive() {},
  nearIdleExpiry() {},
  stateDeferred() {},
  alert() {},
};
