import type { AccessToken } from '../model/access_token.ts';
import type { Clock, Duration, Timestamp } from '../model/clock.ts';
import { connectionName } from '../model/connection.ts';
import { isRefused } from '../model/connection_resources.ts';
import type { Scopes, TokenScope } from '../scopes/scopes.ts';
import type { AccessTokenRequest, ChangesFeed, FreshToken } from './access_tokens.ts';
import type { Challenges } from './claims_challenges.ts';
import { refuse, refuseIssue } from './connection_errors.ts';
import type { Standing, Standings } from './connection_snapshot.ts';
import type { RefreshAhead } from './refresh_ahead.ts';
import { NONE_STORED, type RefreshRequest } from './refresh_under_lease.ts';
import { checkGranted, resolveAsk } from './resolve_scopes.ts';
import { createShortLives, ttlUnattainable } from './short_ttl_cache.ts';
import type { CachedToken, TokenCache } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';
import { waitFor } from './wait_for.ts';

/** A flight that was joined may have brought a token that another asker wanted, good for less long than this one's. */
const MOST_FLIGHTS = 3;

export interface GetAccessTokenParts {
  readonly scopes: Scopes;
  readonly standings: Standings;
  readonly cache: TokenCache;
  readonly challenges: Challenges;
  readonly refresh: (purpose: string, request: RefreshRequest) => Promise<FreshToken>;
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
  get(request: AccessTokenRequest): FreshToken | Promise<FreshToken>;
  /** The same, uncounted: nothing is handed out yet. */
  look(request: AccessTokenRequest): FreshToken | Promise<FreshToken>;
}

export function createGetAccessToken(parts: GetAccessTokenParts): GetAccessToken {
  const { scopes, standings, cache, challenges, refresh, ahead, clock, metrics, feed } = parts;
  const shortLives = createShortLives(clock);

  /** The hot path: no promise, no timer, no signal, no closure (5-refresh, "What a hit costs"). */
  function look(request: AccessTokenRequest): FreshToken | Promise<FreshToken> {
    if (request.claims !== undefined || request.rejectedTokenSha256 !== undefined || feed?.behind) {
      return getAfterAll(request);
    }
    const standing = standings.peek(request.tenantId, request.connectionId);
    if (standing === undefined) return getAfterAll(request);
    const now = clock.now();
    if (!standing.open) refuse(standing, now);
    const ask = resolveAsk(scopes, standing, request.scopes);
    const cached = cache.find(standing.connection.uid, ask.resource, now);
    if (cached === undefined || cached.fresh.accessToken.expireTime - now < request.minTtl) return getAfterAll(request);
    if (now >= cached.aheadTime) replaceAhead(standing, ask, cached);
    return cached.fresh;
  }

  function replaceAhead(standing: Standing, { resource }: TokenScope, cached: CachedToken): void {
    ahead.start(cached, () =>
      refresh('ahead', {
        standing,
        resource,
        priority: 'REFRESH_AHEAD',
        // Another replica may have been faster.
        accepts: (token) => token.refreshTime > clock.now() && !isCopy(token, cached.fresh.accessToken),
        endsAfter: cached.fresh.accessToken.expireTime,
      }),
    );
  }

  async function getAfterAll(request: AccessTokenRequest): Promise<FreshToken> {
    const { tenantId, connectionId } = request;
    let standing = await (feed?.behind ? standings.reread : standings.get)(tenantId, connectionId);
    for (let flight = 1; ; flight++) {
      refuse(standing, clock.now());
      const ask = resolveAsk(scopes, standing, request.scopes);
      const { uid } = standing.connection;
      const cached = cache.find(uid, ask.resource, clock.now());
      const demand = demandOf(request, standing, ask.resource, cached?.fresh.accessToken);
      if (cached !== undefined && demand.accepts(cached.fresh.accessToken)) {
        if (clock.now() >= cached.aheadTime) replaceAhead(standing, ask, cached);
        return cached.fresh;
      }
      refuseIssue(standing.connection, ask.resource, clock.now());
      const { purpose, accepts, claims, endsAfter } = demand;
      // One that lives long enough, and is not accepted: it was refused.
      const isRejected = request.rejectedTokenSha256 !== undefined && livesFor(request.minTtl, cached);
      const name = connectionName(standing.connection);
      const key = `${uid} ${ask.resource}`;
      shortLives.refuse(key, name, request.minTtl);
      const work = refresh(purpose, {
        standing,
        resource: ask.resource,
        priority: 'FOREGROUND',
        accepts,
        endsAfter,
        claims,
        force: claims !== undefined || isRejected ? request : undefined,
      });
      shortLives.rememberFailure(key, work);
      if (claims !== undefined) {
        const challenge = challenges.keyOf(ask.resource, claims);
        work.then(
          () => challenges.answered(uid, challenge),
          (error) => challenges.refused(uid, challenge, error),
        );
      }
      const fresh = await waitFor(work, request.signal(), name);
      // Suspended, or granted less, while Entra was asked.
      standing = await standings.get(tenantId, connectionId);
      refuse(standing, clock.now());
      checkGranted(scopes, standing, ask, fresh.accessToken.permissions);
      const left = fresh.accessToken.expireTime - clock.now();
      if (left >= request.minTtl && (fresh.source === 'ENTRA' || accepts(fresh.accessToken))) return fresh;
      if (fresh.source === 'ENTRA') throw shortLives.remember(key, name, left);
      if (flight === MOST_FLIGHTS) throw ttlUnattainable(name, left);
    }
  }

  function demandOf(
    request: AccessTokenRequest,
    { connection }: Standing,
    resource: string,
    known: AccessToken | undefined,
  ): Demand {
    const { minTtl, claims, rejectedTokenSha256: rejected } = request;
    if (claims !== undefined) {
      const key = challenges.keyOf(resource, claims);
      if (!challenges.isAnswered(connection.uid, key)) return { purpose: `claims ${key}`, ...NONE_STORED, claims };
    }
    // A stored token dates from before Entra refused the resource.
    if (isRefused(connection, resource)) return { purpose: 'retry', ...NONE_STORED, claims: undefined };
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

  function counted(fresh: FreshToken): FreshToken {
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
