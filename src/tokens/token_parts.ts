import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { Clock } from '../model/clock.ts';
import type { Timers } from '../model/timers.ts';
import type { Stores } from '../store/stores.ts';
import type { ConnectionSnapshots } from './connection_snapshot.ts';
import type { Alerts } from './token_alerts.ts';
import type { TokenCache } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** Dependencies that the use cases of this folder share. */
export interface TokenParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'grants'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'admit'>;
  readonly snapshots: ConnectionSnapshots;
  readonly cache: TokenCache;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 to 1; spreads work that would otherwise run at the same moment. */
  readonly random: () => number;
  /** Names this process in leases. */
  readonly replica: string;
  readonly metrics: TokenMetrics;
  readonly alerts: Alerts;
}
