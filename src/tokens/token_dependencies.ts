import type { AuthorizationServer } from '../entra/entra_client_interface.ts';
import type { Clock } from '../model/clock.ts';
import type { ContainedSet } from '../model/contained_set.ts';
import type { Timers } from '../model/monotonic_timers.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { TokenCache } from './access_token_cache.ts';
import type { ConnectionSnapshots } from './connection_snapshot_cache.ts';
import type { Alerts } from './operator_token_alerts.ts';
import type { TokenMetrics } from './token_metrics_interface.ts';

/** Dependencies that the use cases of this folder share. */
export interface TokenParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'grants' | 'leases'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'admit'>;
  readonly contained: ContainedSet;
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
