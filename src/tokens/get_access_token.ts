import type { AccessToken } from '../model/access_token.ts';
import type { Clock, Duration, Timestamp } from '../model/clock.ts';
import { connectionName } from '../model/connection.ts';
import { isRefused } from '../model/connection_resources.ts';
import type { Scopes, TokenScope } from '../scopes/scopes.ts';
import type { AccessTokenRequest, ChangesFeed, ServedToken } from './access_tokens.ts';
import type { ClaimsChallenges } from './claims_challenges.ts';
import { checkResourceIssue, checkServable } from './connection_errors.ts';
import type { ConnectionSnapshot, ConnectionSnapshots } from './connection_snapshot.ts';
import type { RefreshAhead } from './refresh_ahead.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_under_lease.ts';
import { checkGranted, resolveScopes } from './resolve_scopes.ts';
import { createShortTtlCache, ttlUnattainable } from './short_ttl_cache.ts';
import type { CachedToken, TokenCache } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';
import { waitFor } from './wait_for.ts';

/** A flight that was joined may have brought a token that another asker wanted, good for less long than this one's. */
const MOST_FLIGHTS = 3;

export interface GetAccessTokenParts {
  readonly scopes: Scopes;
  readonly snapshots: ConnectionSnapshots;
  readonly cache: TokenCache;
  readonly claimsChallenges: ClaimsChallenges;
  readonly refresh: (purpose: string, request: RefreshRequest) => Promise<ServedToken>;
  readonly ahead: RefreshAhead;
  readonly clock: Clock;
  readonly metrics: TokenMetrics;
  readonly feed: ChangesFeed | undefined;
}

/** What a caller takes for an answer. */
interface Demand {
  /** Equal for callers who can share a refresh. */
  readonly purpose: string;
  readonly accepts: (token: AccessToken) => boolean;
  readonly endsAfter: Timestamp;
  readonly claims: string | undefined;
}

export interface GetAccessToken {
  get(request: AccessTokenRequest): ServedToken | Promise<ServedToken>;
  /** The same, uncounted: nothing is handed out yet. */
  look(request: AccessTokenRequest): ServedToken | Promise<ServedToken>;
}

export function createGetAccessToken(parts: GetAccessTokenParts): GetAccessToken {
  const { scopes, snapshots, cache, claimsChallenges, refresh, ahead, clock, metrics, feed } = parts;
  const shortTtlCache = createShortTtlCache(clock);

  /** The hot path: no promise, no timer, no signal, no closure (5-refresh, "What a hit costs"). */
  function look(request: AccessTokenRequest): ServedToken | Promise<ServedToken> {
    if (request.claims !== undefined || request.rejectedTokenSha256 !== undefined || feed?.behind) {
      return getOrRefresh(request);
    }
    const snapshot = snapshots.peek(request.tenantId, request.connectionId);
    if (snapshot === undefined) return getOrRefresh(request);
    const now = clock.now();
    if (!snapshot.open) checkServable(snapshot, now);
    const ask = resolveScopes(scopes, snapshot, request.scopes);
    const cached = cache.find(snapshot.connection.uid, ask.resource, now);
    if (cached === undefined || cached.fresh.accessToken.expireTime - now < request.minTtl)
      return getOrRefresh(request);
    if (now >= cached.aheadTime) replaceAhead(snapshot, ask, cached);
    return cached.fresh;
  }

  function replaceAhead(snapshot: ConnectionSnapshot, { resource }: TokenScope, cached: CachedToken): void {
    ahead.start(cached, () =>
      refresh('ahead', {
        snapshot,
        resource,
        priority: 'REFRESH_AHEAD',
        // Another replica may have been faster.
        accepts: (token) => token.refreshTime > clock.now() && !isCopy(token, cached.fresh.accessToken),
        endsAfter: cached.fresh.accessToken.expireTime,
      }),
    );
  }

  async function getOrRefresh(request: AccessTokenRequest): Promise<ServedToken> {
    const { tenantId, connectionId } = request;
    let snapshot = await (feed?.behind ? snapshots.reread : snapshots.get)(tenantId, connectionId);
    for (let flight = 1; ; flight++) {
      checkServable(snapshot, clock.now());
      const ask = resolveScopes(scopes, snapshot, request.scopes);
      const { uid } = snapshot.connection;
      const cached = cache.find(uid, ask.resource, clock.now());
      const demand = demandOf(request, snapshot, ask.resource, cached?.fresh.accessToken);
      if (cached !== undefined && demand.accepts(cached.fresh.accessToken)) {
        if (clock.now() >= cached.aheadTime) replaceAhead(snapshot, ask, cached);
        return cached.fresh;
      }
      checkResourceIssue(snapshot.connection, ask.resource, clock.now());
      const { purpose, accepts, claims, endsAfter } = demand;
      // One that lives long enough, and is not accepted: it was refused.
      const isRejected = request.rejectedTokenSha256 !== undefined && livesFor(request.minTtl, cached);
      const name = connectionName(snapshot.connection);
      const key = `${uid} ${ask.resource}`;
      shortTtlCache.refuse(key, name, request.minTtl);
      const work = refresh(purpose, {
        snapshot,
        resource: ask.resource,
        priority: 'FOREGROUND',
        accepts,
        endsAfter,
        claims,
        force: claims !== undefined || isRejected ? request : undefined,
      });
      shortTtlCache.rememberFailure(key, work);
      if (claims !== undefined) {
        const challenge = claimsChallenges.keyOf(ask.resource, claims);
        work.then(
          () => claimsChallenges.answered(uid, challenge),
          (error) => claimsChallenges.refused(uid, challenge, error),
        );
      }
      const fresh = await waitFor(work, request.signal(), name);
      // Suspended, or granted less, while Entra was asked.
      snapshot = await snapshots.get(tenantId, connectionId);
      checkServable(snapshot, clock.now());
      checkGranted(scopes, snapshot, ask, fresh.accessToken.permissions);
      const left = fresh.accessToken.expireTime - clock.now();
      if (left >= request.minTtl && (fresh.source === 'ENTRA' || accepts(fresh.accessToken))) return fresh;
      if (fresh.source === 'ENTRA') throw shortTtlCache.remember(key, name, left);
      if (flight === MOST_FLIGHTS) throw ttlUnattainable(name, left);
    }
  }

  function demandOf(
    request: AccessTokenRequest,
    { connection }: ConnectionSnapshot,
    resource: string,
    known: AccessToken | undefined,
  ): Demand {
    const { minTtl, claims, rejectedTokenSha256: rejected } = request;
    if (claims !== undefined) {
      const key = claimsChallenges.keyOf(resource, claims);
      if (!claimsChallenges.isAnswered(connection.uid, key))
        return { purpose: `claims ${key}`, ...FORCE_REFRESH, claims };
    }
    // A stored token dates from before Entra refused the resource.
    if (isRefused(connection, resource)) return { purpose: 'retry', ...FORCE_REFRESH, claims: undefined };
    const lives = (token: AccessToken) => token.expireTime - clock.now() >= minTtl && !isCopy(token, known);
    const endsAfter = clock.now() + minTtl - 1;
    if (rejected === undefined) return { purpose: 'get', accepts: lives, endsAfter, claims: undefined };
    const refused = rejected.toLowerCase();
    const accepts = (token: AccessToken) => lives(token) && token.token.sha256() !== refused;
    return { purpose: `instead of ${refused}`, accepts, endsAfter, claims: undefined };
  }

  function livesFor(minTtl: Duration, cached: CachedToken | undefined): boolean {
    return cached !== undefined && cached.fresh.accessToken.expireTime - clock.now() >= minTtl;
  }

  function counted(fresh: ServedToken): ServedToken {
    metrics.served(fresh.source);
    return fresh;
  }

  return {
    look,
    get(request) {
      const fresh = look(request);
      return fresh instanceof Promise ? fresh.then(counted) : counted(fresh);
    },
  };
}

/** The stored copy of a token in memory, whose end memory knows better where the clock was set back. */
function isCopy(token: AccessToken, known: AccessToken | undefined): boolean {
  return known !== undefined && token !== known && token.token.sha256() === known.token.sha256();
}
