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
  /** ACTIVE connections that die within 15 days unless they are redeemed. */
  nearIdleEnd(count: number): void;
  /** Connections held and not marked, because too many of their app fail alike. */
  stormHeld(count: number): void;
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
  nearIdleEnd() {},
  stormHeld() {},
  alert() {},
};
