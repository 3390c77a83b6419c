import type { TokenSource } from '../model/access_token.ts';
import type { Duration } from '../model/clock.ts';
import type { AppIds } from '../model/entra_app.ts';
import type { DeferredConnections } from '../telemetry/app_problem_metrics.ts';

/** Metrics of this folder. `served` runs at every hit, so it must be cheap. */
export interface TokenMetrics {
  served(source: TokenSource): void;
  /** One per response of Entra; reason `OK` where it granted. */
  exchange(outcome: string, reason: string): void;
  /** From sending the request to its response; for connections and for apps. */
  exchangeDuration(duration: Duration): void;
  /** Another owner held the lease. */
  leaseLost(): void;
  /** An outcome was void, because the grant was replaced meanwhile. */
  fenced(): void;
  /** A record failed and was tried again. */
  recordRetried(): void;
  /** How long after its `refreshTime` a token in use was replaced. */
  refreshLag(lag: Duration): void;
  refreshAheadFailed(reason: string): void;
  keptAlive(outcome: 'ok' | 'failed'): void;
  /** ACTIVE connections whose refresh token expires within 15 days unless it is redeemed. */
  nearIdleExpiry(count: number): void;
  /** `read` returns the connections whose state change is deferred, because too many of their app fail the same way. */
  observeDeferred(read: () => readonly DeferredConnections[]): void;
  /** Something that an operator should check. */
  alert(topic: TokenAlert, app: AppIds): void;
}

export type TokenAlert = 'loop_detected' | 'vault_fault' | 'account_changed' | 'correlated_failures';

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
  observeDeferred() {},
  alert() {},
};
