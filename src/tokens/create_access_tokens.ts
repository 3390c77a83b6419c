import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { Change, Changes } from '../model/changes.ts';
import { type Clock, MINUTE, SECOND } from '../model/clock.ts';
import { newUid } from '../model/ids.ts';
import { systemTimers, type Timers } from '../model/timers.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { Stores } from '../store/stores.ts';
import { type Log, silentLog } from '../telemetry/log.ts';
import type { AccessTokens, ChangesFeed, ServedToken } from './access_tokens.ts';
import { createAlerts } from './alerts.ts';
import { createAppTokens } from './app_tokens.ts';
import { createClaimsChallenges } from './claims_challenges.ts';
import { createConnectionSnapshots } from './connection_snapshot.ts';
import { createCooldowns } from './cooldowns.ts';
import { createCorrelatedFailureGuard } from './correlated_failure_guard.ts';
import { createForcedExchanges } from './forced_exchanges.ts';
import { createGetAccessToken } from './get_access_token.ts';
import { createKeepAlive, KEEP_ALIVE_PERIOD } from './keep_alive.ts';
import { createRefresh } from './refresh.ts';
import { createRefreshAhead } from './refresh_ahead.ts';
import { createRefreshUnderLease, FORCE_REFRESH, type RefreshRequest } from './refresh_under_lease.ts';
import { createSingleFlight } from './single_flight.ts';
import { createTokenCache } from './token_cache.ts';
import { silentTokenMetrics, type TokenMetrics } from './token_metrics.ts';
import { createVerifyConnection } from './verify_connection.ts';
import { watch } from './watch_access_token.ts';

export interface AccessTokensParts {
  readonly stores: Pick<Stores, 'tenants' | 'apps' | 'connections' | 'grants'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'admit'>;
  readonly scopes: Scopes;
  readonly changes: Changes;
  readonly clock: Clock;
  /** Whether changes of other replicas arrive; while they do not, a hit costs a look at the database. */
  readonly feed?: ChangesFeed | undefined;
  readonly metrics?: TokenMetrics | undefined;
  readonly log?: Log | undefined;
  readonly timers?: Timers | undefined;
  /** 0 to 1; spreads what would else happen at once. */
  readonly random?: (() => number) | undefined;
  /** Most connections whose tokens are kept in memory; 6 KB each. */
  readonly cachedConnections?: number | undefined;
}

export function createAccessTokens(parts: AccessTokensParts): AccessTokens {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const timers = parts.timers ?? systemTimers;
  const random = parts.random ?? Math.random;
  const metrics = parts.metrics ?? silentTokenMetrics;
  const alerts = createAlerts({ metrics, log: parts.log ?? silentLog });
  const limit = parts.cachedConnections ?? 100000;
  const replica = newUid();

  const snapshots = createConnectionSnapshots({ stores, limit });
  const cache = createTokenCache(limit, clock);
  const correlatedFailures = createCorrelatedFailureGuard({
    stores,
    snapshots,
    cache,
    clock,
    timers,
    random,
    replica,
    metrics,
    alerts,
  });
  const cooldowns = createCooldowns({ correlatedFailures, clock });
  const forcedExchanges = createForcedExchanges({ clock });
  const refreshUnderLease = createRefreshUnderLease({
    snapshots,
    cache,
    correlatedFailures,
    cooldowns,
    forcedExchanges,
    clock,
    timers,
    random,
    metrics,
    alerts,
  });
  const makeFresh = createRefresh({
    stores,
    authorizationServer,
    snapshots,
    cache,
    cooldowns,
    forcedExchanges,
    refreshUnderLease,
    clock,
    timers,
    random,
    replica,
    metrics,
  });
  const flights = createSingleFlight<ServedToken>();
  const refresh = (purpose: string, request: RefreshRequest) =>
    flights.run(`${purpose} ${request.snapshot.connection.uid} ${request.resource}`, () => makeFresh(request));

  const claimsChallenges = createClaimsChallenges({ clock });
  const ahead = createRefreshAhead({ clock, random, metrics });
  const { get, look } = createGetAccessToken({
    scopes,
    snapshots,
    cache,
    claimsChallenges,
    refresh,
    ahead,
    clock,
    metrics,
    feed: parts.feed,
  });
  const appTokens = createAppTokens({ stores, authorizationServer, clock, ahead, metrics, limit: 10000 });
  const keepAlive = createKeepAlive({ stores, snapshots, refresh, clock, random, replica, metrics });

  let closed = false;

  async function probeStorms(): Promise<void> {
    for (const { connection, resource } of correlatedFailures.dueProbes(clock.now())) {
      if (closed) return;
      const snapshot = await snapshots.findByUid(connection.uid).catch(() => undefined);
      // Gone, suspended or marked for another reason: it cannot tell how the others fare.
      if (snapshot === undefined || !snapshot.sound) correlatedFailures.release(connection.uid);
      else {
        const probe = { snapshot, resource, priority: 'BACKGROUND', ...FORCE_REFRESH, ignoreCooldown: true } as const;
        await refresh('probe', probe).catch(() => {});
      }
    }
  }

  /** A new credential changes an app as well, and must not cost its tokens: only a suspension or its end does. */
  async function dropUnlessServing(change: Change): Promise<void> {
    const app = await stores.apps.findByUid(change.uid).catch(() => undefined);
    if (app !== undefined && !app.suspended) return;
    cache.drop(change);
    appTokens.drop(change);
  }

  function forget(change: Change): void {
    snapshots.drop(change);
    appTokens.forget(change);
    if (change.kind === 'app') {
      void dropUnlessServing(change);
      return;
    }
    cache.drop(change);
    appTokens.drop(change);
    if (change.kind !== 'connection') return;
    cooldowns.release(change.uid);
    claimsChallenges.release(change.uid);
  }

  const endings = [
    changes.listen(forget),
    timers.every(5 * SECOND, () => void probeStorms()),
    timers.every(KEEP_ALIVE_PERIOD, () => void keepAlive.round()),
    timers.every(MINUTE, () => {
      cache.sweep(clock.now());
      appTokens.sweep();
    }),
  ];

  return {
    get,
    watch: (request) => watch(request, { look, timers, metrics }),
    getForApp: appTokens.get,
    verifyConnection: createVerifyConnection({ snapshots, refresh }),
    async close() {
      closed = true;
      for (const end of endings) end();
      ahead.end();
      await keepAlive.end();
      await Promise.all([flights.settled(), appTokens.settled(), correlatedFailures.settled()]);
    },
  };
}
