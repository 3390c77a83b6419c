import { performance } from 'node:perf_hooks';
import type { AuthorizationServer } from '../entra/authorization_server.ts';
import type { AccessToken, TokenSource } from '../model/access_token.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { connectionNotFound } from '../model/not_found.ts';
import type { Timers } from '../model/timers.ts';
import type { Stores } from '../store/stores.ts';
import type { ServedToken } from './access_tokens.ts';
import { admitWithin } from './admission.ts';
import { checkServable } from './connection_errors.ts';
import type { ConnectionSnapshot, ConnectionSnapshots } from './connection_snapshot.ts';
import type { Cooldowns } from './cooldowns.ts';
import type { ForcedExchanges } from './forced_exchanges.ts';
import type { createRefreshUnderLease, LeasedRefresh, RefreshRequest } from './refresh_under_lease.ts';
import type { TokenCache, TokenCacheFill } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** Longer than an exchange with its record. */
const LEASE: Duration = 12 * SECOND;
/** For a pacing slot, and for somebody else's lease. */
const PATIENCE: Duration = 15 * SECOND;
/** Between two looks at the row while somebody else holds its lease. */
const POLL_FIRST: Duration = 40;
const POLL_LONGEST: Duration = 400;
/** A token is used at least so long before the next one is fetched ahead. */
const SHORTEST_USE: Duration = 30 * SECOND;
const MOST_FENCES = 3;

export interface RefreshParts {
  readonly stores: Pick<Stores, 'grants' | 'connections'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'admit'>;
  readonly snapshots: ConnectionSnapshots;
  readonly cache: TokenCache;
  readonly cooldowns: Cooldowns;
  readonly forcedExchanges: ForcedExchanges;
  readonly refreshUnderLease: ReturnType<typeof createRefreshUnderLease>;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 to 1. */
  readonly random: () => number;
  /** Names this process in the lease. */
  readonly replica: string;
  readonly metrics: TokenMetrics;
}

/** Makes one access token fresh: stored, or lease, redeem, record. Nobody sees a token before its record is durable. */
export function createRefresh(parts: RefreshParts) {
  const { stores, authorizationServer, snapshots, cache, cooldowns, forcedExchanges, clock, timers, metrics } = parts;

  return async function refresh(request: RefreshRequest): Promise<ServedToken> {
    let current = request;
    for (let fences = 0; fences < MOST_FENCES; fences++) {
      const fill = cache.open(ownerOf(current.snapshot));
      try {
        const made = await untilFresh(current);
        if (made !== 'fenced') return answer(current.snapshot.connection.uid, made.token, made.source, fill);
      } finally {
        fill.end();
      }
      metrics.fenced();
      current = { ...current, snapshot: await readAgain(current.snapshot) };
    }
    throw busy(request.snapshot.connection);
  };

  async function untilFresh(request: RefreshRequest): Promise<LeasedRefresh> {
    const giveUp = performance.now() + PATIENCE;
    const { connection } = request.snapshot;
    for (let pause = POLL_FIRST; ; pause = Math.min(POLL_LONGEST, pause * 1.5)) {
      const stored = await stores.grants.findAccessToken(connection.uid, request.resource, request.endsAfter);
      if (stored !== undefined && request.accepts(stored)) return { token: stored, source: 'DATABASE' };
      cooldowns.refuse(connection, request.resource, request.ignoreCooldown);
      forcedExchanges.refuse(connection, request.force);
      const made = await attempt(request);
      if (made !== 'lease_lost') return made;
      metrics.leaseLost();
      // No lease of a deleted connection ever comes free.
      if ((await stores.connections.findByUid(connection.uid)) === undefined) throw connectionNotFound(connection);
      if (performance.now() >= giveUp) throw busy(connection);
      await timers.sleep(pause * (0.5 + parts.random()));
    }
  }

  async function attempt(request: RefreshRequest): Promise<LeasedRefresh | 'lease_lost'> {
    const { priority, resource, endsAfter } = request;
    const { tenant, app, connection } = request.snapshot;
    // Before the lease, so that waiting for a slot cannot outlive it.
    const directoryId = connection.account?.directoryId;
    // A grant that Entra has not accepted yet proves nothing about the app.
    const weight = connection.verifyTime === undefined ? 'REQUEST' : 'FULL';
    const requester = { connectionUid: connection.uid, weight } as const;
    const asked = { app, directoryId, tenantUid: tenant.uid, priority, requester };
    const admission = await admitWithin(PATIENCE, authorizationServer, asked);
    try {
      const wish = { owner: parts.replica, resource, duration: LEASE, endsAfter };
      const held = await stores.grants.lease(connection.uid, wish);
      return held === undefined ? 'lease_lost' : await parts.refreshUnderLease(held, admission, request);
    } finally {
      admission.release();
    }
  }

  function answer(uid: string, accessToken: AccessToken, source: TokenSource, fill: TokenCacheFill): ServedToken {
    // However soon Entra wants it replaced, not at once again: equal requests in a row are a loop to it (50196).
    const soonest = clock.now() + SHORTEST_USE;
    fill.put(accessToken.resource, { accessToken, source: 'CACHE', connectionUid: uid }, soonest);
    return { accessToken, source, connectionUid: uid };
  }

  async function readAgain({ connection }: ConnectionSnapshot): Promise<ConnectionSnapshot> {
    const change = { kind: 'connection', uid: connection.uid } as const;
    snapshots.drop(change);
    cache.drop(change);
    const again = await snapshots.findByUid(connection.uid);
    if (again === undefined) throw connectionNotFound(connection);
    checkServable(again, clock.now());
    return again;
  }
}

function ownerOf({ tenant, app, connection }: ConnectionSnapshot) {
  return { uid: connection.uid, appUid: app.uid, tenantUid: tenant.uid };
}

function busy(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError('DATABASE_UNAVAILABLE', `${name} is being refreshed elsewhere and stayed so; retry`, {
    metadata: { resource: name },
    retryAfter: SECOND,
  });
}
