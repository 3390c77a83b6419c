import { performance } from 'node:perf_hooks';
import { ADMISSION_DEFAULTS } from '../entra/admission/admission_options.ts';
import { type Duration, SECOND } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { VaultError } from '../model/errors.ts';
import { connectionNotFound } from '../model/not_found_errors.ts';
import type { TokenCacheFill } from './access_token_cache.ts';
import type { ServedToken } from './access_token_service_interface.ts';
import { checkNotContained } from './check_not_contained.ts';
import { checkServable } from './connection_serving_errors.ts';
import { createInProgressLimit } from './in_progress_limit.ts';
import type { RefreshRequest } from './refresh_request.ts';
import { createRefreshUnderLease, type LeasedRefresh, type RefreshUnderLeaseParts } from './refresh_under_lease.ts';
import { waitForAdmission } from './wait_for_entra_admission.ts';

/** Longer than an exchange and its record. */
const LEASE: Duration = 12 * SECOND;
/** For another owner's lease. */
const LONGEST_WAIT: Duration = 15 * SECOND;
/** Between two attempts while another owner holds the lease. */
const FIRST_PAUSE: Duration = 40;
const LONGEST_PAUSE: Duration = 400;
/** A token is used at least this long before the next one is fetched ahead. */
const SHORTEST_USE: Duration = 30 * SECOND;
const MOST_FENCES = 3;
const MOST_FORCED = ADMISSION_DEFAULTS.forced.inFlight + ADMISSION_DEFAULTS.forced.waiting;
const TOO_MANY_FORCED = `At most ${MOST_FORCED} new tokens of one app and directory are requested for a caller at once although others are stored. Retry later, with fewer concurrent calls.`;

/** Returns a fresh access token: the stored one, or lease, redeem, record. A token is returned only after its record is durable. */
export function createRefresh(parts: RefreshUnderLeaseParts) {
  const { stores, authorizationServer, snapshots, cache, cooldowns, forcedExchanges, clock, timers, metrics } = parts;
  const refreshUnderLease = createRefreshUnderLease(parts);
  const limited = createInProgressLimit(MOST_FORCED, TOO_MANY_FORCED);

  /** Forced by one caller, no more than an app and directory takes in: the rest is refused before its rows are read. */
  return async function refresh(request: RefreshRequest): Promise<ServedToken> {
    if (request.force === undefined) return refreshNow(request);
    const { app, connection } = request.snapshot;
    const key = `${request.force.callerId} ${app.uid} ${connection.account?.directoryId}`;
    return limited(key, () => refreshNow(request));
  };

  async function refreshNow(request: RefreshRequest): Promise<ServedToken> {
    let current = request;
    for (let fences = 0; fences < MOST_FENCES; fences++) {
      const { tenant, app, connection } = current.snapshot;
      const fill = cache.open({ uid: connection.uid, appUid: app.uid, tenantUid: tenant.uid });
      try {
        const refreshed = await storedOrRefreshed(current);
        if (refreshed !== 'fenced') return cacheAndServe(connection.uid, refreshed, fill);
      } finally {
        fill.close();
      }
      metrics.fenced();
      current = { ...current, snapshot: await reread(connection) };
    }
    throw busyError(request.snapshot.connection);
  }

  /** Until a token is stored, or this replica gets the lease. */
  async function storedOrRefreshed(request: RefreshRequest): Promise<LeasedRefresh> {
    const giveUpTime = performance.now() + LONGEST_WAIT;
    const { connection } = request.snapshot;
    for (let pause = FIRST_PAUSE; ; pause = Math.min(LONGEST_PAUSE, pause * 1.5)) {
      const stored = await stores.grants.findAccessToken(connection, request.resource, request.expiresAfter);
      if (stored !== undefined && request.accepts(stored))
        return { accessToken: stored, source: 'DATABASE', account: connection.account };
      checkNotContained(parts.contained, request.snapshot);
      cooldowns.check(connection, request.resource, request.ignoreCooldown);
      forcedExchanges.check(connection, request.force);
      const refreshed = await admitAndLease(request);
      if (refreshed !== 'lease_lost') return refreshed;
      metrics.leaseLost();
      // The lease of a deleted connection never becomes free.
      if ((await stores.connections.findByUid(connection.uid)) === undefined) throw connectionNotFound(connection);
      if (performance.now() >= giveUpTime) throw busyError(connection);
      await timers.sleep(pause * (0.5 + parts.random()));
    }
  }

  async function admitAndLease(request: RefreshRequest): Promise<LeasedRefresh | 'lease_lost'> {
    const { priority, resource, expiresAfter, snapshot } = request;
    const { tenant, app, connection } = snapshot;
    // A grant that Entra has not accepted yet proves nothing about the app.
    const weight = connection.verifyTime === undefined ? 'REQUEST' : 'FULL';
    // Before the lease, so that waiting for a slot cannot outlive it.
    const admission = await waitForAdmission(authorizationServer, {
      app,
      directoryId: connection.account?.directoryId,
      tenantUid: tenant.uid,
      forcedBy: request.force?.callerId,
      priority,
      requester: { connectionUid: connection.uid, weight },
    });
    try {
      const lease = { owner: parts.replica, resource, duration: LEASE, endsAfter: expiresAfter, known: connection };
      const held = await stores.grants.lease(connection.uid, lease);
      return held === undefined ? 'lease_lost' : await refreshUnderLease(held, admission, request);
    } finally {
      admission.release();
    }
  }

  function cacheAndServe(
    connectionUid: string,
    { accessToken, source, account }: Exclude<LeasedRefresh, 'fenced'>,
    fill: TokenCacheFill,
  ): ServedToken {
    // However soon Entra wants it replaced: equal requests in quick succession are a loop to Entra (50196).
    const soonest = clock.now() + SHORTEST_USE;
    const subject = account && { directoryId: account.directoryId, userId: account.objectId };
    fill.put(accessToken.resource, { accessToken, source: 'CACHE', connectionUid, subject }, soonest);
    return { accessToken, source, connectionUid, subject };
  }

  async function reread(connection: Connection) {
    const change = { kind: 'connection', uid: connection.uid } as const;
    snapshots.drop(change);
    cache.drop(change);
    const snapshot = await snapshots.findByUid(connection.uid);
    if (snapshot === undefined) throw connectionNotFound(connection);
    checkServable(snapshot, clock.now());
    return snapshot;
  }
}

function busyError(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError('DATABASE_UNAVAILABLE', `${name} is being refreshed elsewhere for too long. Retry.`, {
    metadata: { resource: name },
    retryAfter: SECOND,
  });
}
