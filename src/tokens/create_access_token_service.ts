import { LEASE_RENEWAL } from '../background/job_lease.ts';
import { MINUTE, SECOND } from '../model/clock.ts';
import { type ContainedSet, NOTHING_CONTAINED } from '../model/contained_set.ts';
import { newUid } from '../model/id_patterns.ts';
import { systemTimers } from '../model/monotonic_timers.ts';
import type { Change, Changes } from '../model/resource_change_announcements.ts';
import { createSingleFlight } from '../model/single_flight.ts';
import type { Scopes } from '../scopes/scope_translator_interface.ts';
import { type Log, silentLog } from '../telemetry/log_events.ts';
import { createTokenCache } from './access_token_cache.ts';
import type { AccessTokens, ChangesFeed, ServedToken } from './access_token_service_interface.ts';
import { createClaimsChallenges } from './answered_claims_challenges.ts';
import { createAppTokens } from './app_only_access_tokens.ts';
import { createCorrelatedFailureGuard } from './apply_correlation_verdicts.ts';
import { isContained } from './check_not_contained.ts';
import { createCeilingChecks } from './check_scope_ceilings.ts';
import { createCooldowns } from './connection_cooldowns.ts';
import { createConnectionSnapshots } from './connection_snapshot_cache.ts';
import { createCorrelatedFailureDetector } from './correlated_failure_detector.ts';
import { createForcedExchanges } from './forced_exchange_rate_limit.ts';
import { createGetAccessToken } from './get_access_token.ts';
import { createKeepAlive, KEEP_ALIVE_PERIOD } from './keep_refresh_tokens_alive.ts';
import { createAlerts } from './operator_token_alerts.ts';
import { createRefresh } from './refresh_access_token.ts';
import { createRefreshAhead } from './refresh_ahead_of_expiry.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_request.ts';
import { createReread } from './reread_while_behind.ts';
import type { TokenParts } from './token_dependencies.ts';
import { silentTokenMetrics } from './token_metrics_interface.ts';
import { createVerifyConnection } from './verify_connection.ts';
import { watchAccessToken } from './watch_access_token.ts';

type Defaulted = { readonly [Name in 'timers' | 'random' | 'metrics']?: TokenParts[Name] | undefined };

export interface AccessTokensParts extends Pick<TokenParts, 'stores' | 'authorizationServer' | 'clock'>, Defaulted {
  readonly scopes: Scopes;
  readonly changes: Changes;
  /** Whether changes of other replicas arrive; while they do not, each request reads the database. */
  readonly feed?: ChangesFeed | undefined;
  /** Default: nothing is contained. */
  readonly contained?: ContainedSet | undefined;
  readonly log?: Log | undefined;
  /** Uid of this process: the holder of its leases. Default: a new one. */
  readonly replica?: string | undefined;
  /** Most connections whose tokens are kept in memory; 6 KB each. */
  readonly cachedConnections?: number | undefined;
}

export function createAccessTokens(options: AccessTokensParts): AccessTokens {
  const { stores, authorizationServer, scopes, changes, clock, feed } = options;
  const { timers = systemTimers, random = Math.random, metrics = silentTokenMetrics, log = silentLog } = options;
  const { replica = newUid(), contained = NOTHING_CONTAINED } = options;
  const limit = options.cachedConnections ?? 100_000;

  const snapshots = createConnectionSnapshots({ stores, limit });
  const cache = createTokenCache(limit, clock);
  const alerts = createAlerts({ metrics, log });
  const shared = { stores, authorizationServer, contained, snapshots, cache, clock, timers, random, metrics, alerts };
  const parts: TokenParts = { ...shared, replica };

  const failureDetector = createCorrelatedFailureDetector();
  const failureGuard = createCorrelatedFailureGuard(parts, failureDetector);
  const cooldowns = createCooldowns(clock, failureDetector);
  const forcedExchanges = createForcedExchanges(clock);
  const refreshNow = createRefresh({ ...parts, failureDetector, failureGuard, cooldowns, forcedExchanges });
  const flights = createSingleFlight<ServedToken>();
  const refresh = (purpose: string, request: RefreshRequest) =>
    flights.run(`${purpose} ${request.snapshot.connection.uid} ${request.resource}`, () => refreshNow(request));

  const claimsChallenges = createClaimsChallenges(clock);
  const ahead = createRefreshAhead(parts);
  const ceilingChecks = createCeilingChecks(scopes);
  const serving = { feed, reread: createReread({ timers, feed }), ceilingChecks };
  const { get, getUncounted, recheck } = createGetAccessToken({
    ...parts,
    scopes,
    claimsChallenges,
    refresh,
    ahead,
    ...serving,
  });
  const appTokens = createAppTokens({ ...parts, ahead, limit: 10_000, ...serving });
  const keepAlive = createKeepAlive({ ...parts, refresh });

  let closed = false;

  async function probeCorrelatedFailures(): Promise<void> {
    for (const { connection, resource } of failureDetector.dueProbes(clock.now())) {
      if (closed) return;
      const snapshot = await snapshots.findByUid(connection.uid).catch(() => undefined);
      if (snapshot?.sound && !isContained(contained, snapshot)) {
        const probe = { snapshot, resource, priority: 'BACKGROUND', ...FORCE_REFRESH, ignoreCooldown: true } as const;
        await refresh('probe', probe).catch(() => {});
      } else {
        // Deleted, suspended, contained or refused for another reason: it proves nothing about the others.
        failureDetector.release(connection.uid);
      }
    }
  }

  /** A new credential changes an app as well, but must not cost its tokens: only suspension and deletion do. */
  async function dropUnlessServing(change: Change): Promise<void> {
    const app = await stores.apps.findByUid(change.uid).catch(() => undefined);
    if (app === undefined || app.suspended) drop(change);
  }

  function drop(change: Change): void {
    cache.drop(change);
    appTokens.drop(change);
  }

  function onChange(change: Change): void {
    snapshots.drop(change);
    appTokens.forget(change);
    if (change.kind === 'app') void dropUnlessServing(change);
    else drop(change);
    if (change.kind !== 'connection') return;
    cooldowns.clear(change.uid);
    claimsChallenges.clear(change.uid);
  }

  /** What Entra answered within the last minute stays: it does not depend on the database. */
  function onReset(): void {
    snapshots.clear();
    cache.clear();
    appTokens.clear();
  }

  const stops = [
    changes.listen(onChange, onReset),
    timers.every(5 * SECOND, () => void probeCorrelatedFailures()),
    timers.every(KEEP_ALIVE_PERIOD, () => void keepAlive.runOnce()),
    timers.every(LEASE_RENEWAL, () => void keepAlive.renew()),
    timers.every(MINUTE, () => {
      cache.sweep(clock.now());
      appTokens.sweep();
    }),
  ];

  return {
    get,
    recheck,
    watch: (request) => watchAccessToken(request, { getUncounted, contained, timers, metrics }),
    getForApp: appTokens.get,
    async checkCeilings({ tenantId, connectionId, scopes: requested, ceilings }) {
      const snapshot = await snapshots.get(tenantId, connectionId);
      const { catalog, app, connection } = snapshot;
      const named = requested.length === 0 ? connection.productScopes : requested;
      const scope = scopes.translateForToken(catalog, named, app.cloud);
      const covering = ceilingChecks.requested(ceilings, snapshot, scope, requested);
      const permissions = connection.granted[scope.resource] ?? [];
      ceilingChecks.carried(ceilings, covering, snapshot, { resource: scope.resource, permissions });
    },
    verifyConnection: createVerifyConnection({ snapshots, contained, refresh }),
    forgetScopes: snapshots.forgetScopes,
    async close() {
      closed = true;
      for (const stop of stops) stop();
      ahead.stop();
      await keepAlive.stop();
      await Promise.all([flights.settled(), appTokens.settled(), failureGuard.settled()]);
    },
  };
}
