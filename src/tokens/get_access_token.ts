import type { AccessToken } from '../model/access_token.ts';
import type { Timestamp } from '../model/clock.ts';
import { connectionName } from '../model/connection.ts';
import { isRefused } from '../model/connection_resource_states.ts';
import { VaultError } from '../model/errors.ts';
import type { Scopes, TokenScope } from '../scopes/scope_translator_interface.ts';
import type { CachedToken } from './access_token_cache.ts';
import type { AccessTokenRequest, ChangesFeed, ServedToken } from './access_token_service_interface.ts';
import type { ClaimsChallenges } from './answered_claims_challenges.ts';
import { checkNotContained } from './check_not_contained.ts';
import { checkGranted, resolveScopes } from './check_requested_scopes_are_granted.ts';
import type { CeilingChecks } from './check_scope_ceilings.ts';
import { checkResourceIssue, checkServable } from './connection_serving_errors.ts';
import type { ConnectionSnapshot } from './connection_snapshot_cache.ts';
import type { RefreshAhead } from './refresh_ahead_of_expiry.ts';
import { FORCE_REFRESH, type RefreshRequest } from './refresh_request.ts';
import type { Reread } from './reread_while_behind.ts';
import type { TokenParts } from './token_dependencies.ts';
import { createShortTtlCache, ttlUnattainable } from './unattainable_ttl_cache.ts';
import { waitFor } from './wait_until_caller_aborts.ts';

/** A shared refresh may return a token that another caller accepts, but that is valid for less time than this caller requires. */
const MOST_REFRESHES = 3;

export interface GetAccessTokenParts extends TokenParts {
  readonly scopes: Scopes;
  readonly claimsChallenges: ClaimsChallenges;
  readonly refresh: (purpose: string, request: RefreshRequest) => Promise<ServedToken>;
  readonly ahead: RefreshAhead;
  readonly feed: ChangesFeed | undefined;
  readonly reread: Reread;
  readonly ceilingChecks: CeilingChecks;
}

/** What a caller accepts. */
interface Demand extends Pick<RefreshRequest, 'accepts' | 'expiresAfter' | 'claims'> {
  /** Equal for callers that can share a refresh. */
  readonly purpose: string;
}

/** `get` serves an access token of a connection; `getUncounted` does the same without counting it as served. */
export function createGetAccessToken(parts: GetAccessTokenParts) {
  const {
    scopes,
    contained,
    snapshots,
    cache,
    claimsChallenges,
    ceilingChecks,
    refresh,
    ahead,
    clock,
    metrics,
    feed,
    reread,
  } = parts;
  const shortTtlCache = createShortTtlCache(clock);

  /** The hot path: no promise, no timer, no signal, no closure (5-refresh, "What a hit costs"). */
  function getUncounted(request: AccessTokenRequest): ServedToken | Promise<ServedToken> {
    if (request.claims !== undefined || request.rejectedTokenSha256 !== undefined || feed?.behind) {
      return getOrRefresh(request);
    }
    const snapshot = snapshots.peek(request.tenantId, request.connectionId);
    if (snapshot === undefined) return getOrRefresh(request);
    const now = clock.now();
    if (contained.size !== 0) checkNotContained(contained, snapshot);
    if (!snapshot.open) checkServable(snapshot, now);
    const scope = resolveScopes(scopes, snapshot, request.scopes);
    const covering = ceilingChecks.requested(request.ceilings, snapshot, scope, request.scopes);
    const cached = cache.find(snapshot.connection.uid, scope.resource, now);
    if (cached === undefined || cached.served.accessToken.expireTime - now < request.minTtl)
      return getOrRefresh(request);
    if (now >= cached.aheadTime) refreshAhead(snapshot, scope.resource, cached);
    ceilingChecks.carried(request.ceilings, covering, snapshot, cached.served.accessToken);
    return cached.served;
  }

  async function getOrRefresh(request: AccessTokenRequest): Promise<ServedToken> {
    if (contained.size !== 0) contained.check({ tenantId: request.tenantId });
    let snapshot = await servableSnapshot(request, currentOrKnown());
    for (let refreshes = 1; ; refreshes++) {
      const scope = resolveScopes(scopes, snapshot, request.scopes);
      const covering = ceilingChecks.requested(request.ceilings, snapshot, scope, request.scopes);
      const cached = cache.find(snapshot.connection.uid, scope.resource, clock.now());
      const demand = demandOf(request, snapshot, scope.resource, cached?.served.accessToken);
      if (cached !== undefined && demand.accepts(cached.served.accessToken)) {
        if (clock.now() >= cached.aheadTime) refreshAhead(snapshot, scope.resource, cached);
        ceilingChecks.carried(request.ceilings, covering, snapshot, cached.served.accessToken);
        return cached.served;
      }
      const key = `${snapshot.connection.uid} ${scope.resource}`;
      const name = connectionName(snapshot.connection);
      checkResourceIssue(snapshot.connection, scope.resource, clock.now());
      shortTtlCache.check(key, request.minTtl);
      const work = startRefresh(request, snapshot, scope, demand, cached);
      shortTtlCache.rememberFailure(key, work);
      const served = await waitFor(work, request.signal(), name);
      // It may have been suspended, contained, or granted less, in the meantime.
      snapshot = await servableSnapshot(request, snapshots.get);
      checkGranted(scopes, snapshot, scope, served.accessToken.permissions);
      // The rules of a stream may have changed, too.
      const stillCovering = ceilingChecks.requested(request.ceilings, snapshot, scope, request.scopes);
      ceilingChecks.carried(request.ceilings, stillCovering, snapshot, served.accessToken);
      const ttl = served.accessToken.expireTime - clock.now();
      if (ttl >= request.minTtl && (served.source === 'ENTRA' || demand.accepts(served.accessToken))) return served;
      if (served.source === 'ENTRA') throw shortTtlCache.remember(key, name, ttl);
      if (refreshes === MOST_REFRESHES) throw ttlUnattainable(name, ttl);
    }
  }

  /** While changes do not arrive. Another replica may have replaced the grant, so a token of another version is not served either. */
  async function currentSnapshot(tenantId: string, connectionId: string): Promise<ConnectionSnapshot> {
    const known = snapshots.peek(tenantId, connectionId);
    const snapshot = await reread(snapshots.load(tenantId, connectionId), known);
    const { uid, version } = snapshot.connection;
    if (version !== known?.connection.version) cache.drop({ kind: 'connection', uid });
    return snapshot;
  }

  async function servableSnapshot(
    request: AccessTokenRequest,
    read: typeof snapshots.get,
  ): Promise<ConnectionSnapshot> {
    const snapshot = await read(request.tenantId, request.connectionId);
    checkNotContained(contained, snapshot);
    checkServable(snapshot, clock.now());
    return snapshot;
  }

  function recheck(request: AccessTokenRequest, expireTime: Timestamp): undefined | Promise<void> {
    const { tenantId, connectionId, minTtl } = request;
    if (expireTime - clock.now() < minTtl) throw agedError(connectionName(request));
    const snapshot = feed?.behind ? undefined : snapshots.peek(tenantId, connectionId);
    if (snapshot === undefined) return servableSnapshot(request, currentOrKnown()).then(() => undefined);
    if (contained.size !== 0) checkNotContained(contained, snapshot);
    checkServable(snapshot, clock.now());
    return undefined;
  }

  function currentOrKnown(): typeof snapshots.get {
    return feed?.behind ? currentSnapshot : snapshots.get;
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
    if (isRefused(connection, resource)) return { purpose: 'retry', ...FORCE_REFRESH };
    const isLongEnough = (token: AccessToken) => token.expireTime - clock.now() >= minTtl && !isCopy(token, known);
    const expiresAfter = clock.now() + minTtl - 1;
    if (rejected === undefined) return { purpose: 'get', accepts: isLongEnough, expiresAfter };
    const sha256 = rejected.toLowerCase();
    const accepts = (token: AccessToken) => isLongEnough(token) && token.token.sha256() !== sha256;
    return { purpose: `instead of ${sha256}`, accepts, expiresAfter };
  }

  function startRefresh(
    request: AccessTokenRequest,
    snapshot: ConnectionSnapshot,
    { resource }: TokenScope,
    { purpose, ...demand }: Demand,
    cached: CachedToken | undefined,
  ): Promise<ServedToken> {
    // A cached token that is valid for long enough was not accepted, so it is the rejected one.
    const isRejected =
      request.rejectedTokenSha256 !== undefined &&
      cached !== undefined &&
      cached.served.accessToken.expireTime - clock.now() >= request.minTtl;
    const { claims } = demand;
    const force = claims !== undefined || isRejected ? request : undefined;
    const work = refresh(purpose, { snapshot, resource, priority: 'FOREGROUND', ...demand, force });
    if (claims !== undefined) {
      claimsChallenges.recordAnswer(snapshot.connection.uid, claimsChallenges.keyOf(resource, claims), work);
    }
    return work;
  }

  function refreshAhead(snapshot: ConnectionSnapshot, resource: string, cached: CachedToken): void {
    ahead.start(cached, () =>
      refresh('ahead', {
        snapshot,
        resource,
        priority: 'REFRESH_AHEAD',
        // Another replica may have been faster.
        accepts: (token) => token.refreshTime > clock.now() && !isCopy(token, cached.served.accessToken),
        expiresAfter: cached.served.accessToken.expireTime,
      }),
    );
  }

  function counted(served: ServedToken): ServedToken {
    metrics.served(served.source);
    return served;
  }

  return {
    getUncounted,
    recheck,
    get(request: AccessTokenRequest): ServedToken | Promise<ServedToken> {
      const served = getUncounted(request);
      return served instanceof Promise ? served.then(counted) : counted(served);
    },
  };
}

function agedError(name: string): VaultError {
  const message = `Too little of the lifetime of the token of ${name} is left after the wait for other tokens. Retry.`;
  return new VaultError('ENTRA_UNAVAILABLE', message, { metadata: { resource: name }, retryAfter: 1 });
}

/** The stored copy of a token in memory. Memory knows its expiry better if the clock was set back. */
function isCopy(token: AccessToken, known: AccessToken | undefined): boolean {
  return known !== undefined && token !== known && token.token.sha256() === known.token.sha256();
}
