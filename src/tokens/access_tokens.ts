import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { AccessToken, TokenSource } from '../model/access_token.ts';
import type { Change, Changes } from '../model/changes.ts';
import { type Clock, type Duration, MINUTE, SECOND } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { CrashPoints } from '../model/crash_points.ts';
import { newUid } from '../model/ids.ts';
import type { Scopes } from '../scopes/scopes.ts';
import type { Stores } from '../store/stores.ts';
import { type Log, silentLog } from '../telemetry/log.ts';
import { createAlerts } from './alerts.ts';
import { createAppTokens } from './app_tokens.ts';
import { createChallenges } from './challenges.ts';
import { createForcedExchanges } from './forced_exchanges.ts';
import { createGetAccessToken } from './get_access_token.ts';
import { createHolds } from './holds.ts';
import { createKeepAlive, KEEP_ALIVE_PERIOD } from './keep_alive.ts';
import { createRefresh } from './refresh.ts';
import { createRefreshAhead } from './refresh_ahead.ts';
import { createSingleFlight } from './single_flight.ts';
import { createStandings } from './standing.ts';
import { createStormWatch } from './storm_watch.ts';
import { systemTimers, type Timers } from './timers.ts';
import { createTokenCache } from './token_cache.ts';
import { silentTokenMetrics, type TokenMetrics } from './token_metrics.ts';
import { createUnderLease, NONE_STORED, type RefreshRequest } from './under_lease.ts';
import { createVerifyConnection } from './verify_connection.ts';
import { watch } from './watch.ts';
/** Fresh access tokens, from memory where one lives long enough. */
export interface AccessTokens {
  /**
   * A hit answers without a promise, a timer or a signal (5-refresh, "What a hit costs"), and always with the same
   * object while the cached token stays the same, so that the encoded answer can be kept beside it. What is known
   * to stand in the way is thrown as directly.
   */
  get(request: AccessTokenRequest): FreshToken | Promise<FreshToken>;
  /** The present token, then each new one before the old one's `minTtl` begins; ends when the signal does. */
  watch(request: AccessTokenRequest): AsyncGenerator<FreshToken, void, void>;
  getForApp(request: AppTokenRequest): FreshToken | Promise<FreshToken>;
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

export interface FreshToken {
  readonly accessToken: AccessToken;
  readonly source: TokenSource;
  /** Product scopes or permissions that this answer was asked for are the caller's to audit; this is what the connection is. */
  readonly connectionUid: string | undefined;
}

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
  readonly crashPoints?: CrashPoints | undefined;
  readonly timers?: Timers | undefined;
  /** 0 to 1; spreads what would else happen at once. */
  readonly random?: (() => number) | undefined;
  /** Most connections whose tokens are kept in memory; 6 KB each. */
  readonly cachedConnections?: number | undefined;
}

export interface ChangesFeed {
  readonly behind: boolean;
}

export function createAccessTokens(parts: AccessTokensParts): AccessTokens {
  const { stores, authorizationServer, scopes, changes, clock } = parts;
  const timers = parts.timers ?? systemTimers;
  const random = parts.random ?? Math.random;
  const metrics = parts.metrics ?? silentTokenMetrics;
  const alerts = createAlerts({ metrics, log: parts.log ?? silentLog });
  const limit = parts.cachedConnections ?? 100_000;
  const replica = newUid();

  const standings = createStandings({ stores, limit });
  const cache = createTokenCache(limit, clock);
  const storms = createStormWatch({ stores, standings, cache, clock, timers, random, replica, metrics, alerts });
  const holds = createHolds({ storms, clock });
  const forcedExchanges = createForcedExchanges({ clock });
  const { crashPoints } = parts;
  const underLease = createUnderLease({
    standings,
    cache,
    storms,
    holds,
    forcedExchanges,
    clock,
    timers,
    random,
    metrics,
    alerts,
    crashPoints,
  });
  const makeFresh = createRefresh({
    stores,
    authorizationServer,
    standings,
    cache,
    holds,
    forcedExchanges,
    underLease,
    clock,
    timers,
    random,
    replica,
    metrics,
    crashPoints,
  });
  const flights = createSingleFlight<FreshToken>();
  const refresh = (purpose: string, request: RefreshRequest) =>
    flights.run(`${purpose} ${request.standing.connection.uid} ${request.resource}`, () => makeFresh(request));

  const challenges = createChallenges({ clock });
  const ahead = createRefreshAhead({ clock, random, metrics });
  const { get, look } = createGetAccessToken({
    scopes,
    standings,
    cache,
    challenges,
    refresh,
    ahead,
    clock,
    metrics,
    feed: parts.feed,
  });
  const appTokens = createAppTokens({ stores, authorizationServer, clock, ahead, metrics, limit: 10_000 });
  const keepAlive = createKeepAlive({ stores, standings, refresh, clock, random, replica, metrics });

  let closed = false;

  async function probeStorms(): Promise<void> {
    for (const { connection, resource } of storms.dueProbes(clock.now())) {
      if (closed) return;
      const standing = await standings.findByUid(connection.uid).catch(() => undefined);
      // Gone, suspended or marked for another reason: it cannot tell how the others fare.
      if (standing === undefined || !standing.sound) storms.release(connection.uid);
      else {
        const probe = { standing, resource, priority: 'BACKGROUND', ...NONE_STORED, insist: true } as const;
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
    standings.drop(change);
    appTokens.forget(change);
    if (change.kind === 'app') {
      void dropUnlessServing(change);
      return;
    }
    cache.drop(change);
    appTokens.drop(change);
    if (change.kind !== 'connection') return;
    holds.release(change.uid);
    challenges.release(change.uid);
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
    verifyConnection: createVerifyConnection({ standings, refresh }),
    async close() {
      closed = true;
      for (const end of endings) end();
      ahead.end();
      await keepAlive.end();
      await Promise.all([flights.settled(), appTokens.settled(), storms.settled()]);
    },
  };
}
