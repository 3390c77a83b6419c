import { performance } from 'node:perf_hooks';
import type { AuthorizationServer, Priority } from '../entra/authorization_server.ts';
import type { AccessToken, TokenSource } from '../model/access_token.ts';
import { afterRedeem } from '../model/after_redeem.ts';
import { type Clock, type Duration, MINUTE, SECOND } from '../model/clock.ts';
import { type Connection, connectionName } from '../model/connection.ts';
import { isVaultError, VaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { HeldLease, RefreshRecord, Stores } from '../store/stores.ts';
import type { FreshToken } from './access_tokens.ts';
import { admitWithin } from './admission.ts';
import type { Alerts } from './alerts.ts';
import type { CrashPoints } from './crash_points.ts';
import { createRecentMap } from './recent_map.ts';
import { createRedeem } from './redeem.ts';
import { failed, held as heldBack, pending, refuse, refuseState, refuseSuspended } from './refusal.ts';
import type { Standing, Standings } from './standing.ts';
import type { StormWatch } from './storm_watch.ts';
import type { Timers } from './timers.ts';
import type { TokenCache, TokenCacheFill } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

const LEASE: Duration = 12 * SECOND;
/** For a pacing slot, and for somebody else's lease. */
const PATIENCE: Duration = 15 * SECOND;
/** Between two looks at the row while somebody else holds its lease. */
const POLL_FIRST: Duration = 40;
const POLL_LONGEST: Duration = 400;
/** A record is tried again in memory this often, while the lease lasts. */
const RECORD_RETRIES: readonly Duration[] = [50, 150, 400, 1_000];
/** After a failure of ours, which asking again cannot mend. */
const OURS_HOLD: Duration = MINUTE;
/** A token is used at least so long before the next one is fetched ahead. */
const SHORTEST_USE: Duration = 30 * SECOND;
const MOST_FENCES = 3;

export interface RefreshRequest {
  readonly standing: Standing;
  readonly resource: string;
  readonly priority: Priority;
  /** Whether a stored token will do; never: redeem whatever is stored. */
  readonly accepts: (token: AccessToken) => boolean;
  /** A claims challenge for Entra. */
  readonly claims?: string | undefined;
  /** Ask although the connection is held or blocked: somebody wants to know (VerifyConnection, a probe). */
  readonly insist?: boolean | undefined;
}

export interface RefreshParts {
  readonly stores: Pick<Stores, 'grants'>;
  readonly authorizationServer: Pick<AuthorizationServer, 'admit'>;
  readonly standings: Standings;
  readonly cache: TokenCache;
  readonly storms: StormWatch;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 to 1. */
  readonly random: () => number;
  /** Names this process in the lease. */
  readonly replica: string;
  readonly metrics: TokenMetrics;
  readonly alerts: Alerts;
  readonly crashPoints: CrashPoints | undefined;
}

export interface Refresh {
  /** Makes one access token fresh: stored, or lease, redeem, record. Nobody sees a token before its record is durable. */
  run(request: RefreshRequest): Promise<FreshToken>;
  /** The connection changed: what was held of it may be asked again. */
  release(connectionUid: string): void;
}

/** What an attempt under the lease came to: a token, or why there must be another. */
type Attempt = FreshToken | 'lease_lost' | 'fenced';

export function createRefresh(parts: RefreshParts): Refresh {
  const { stores, authorizationServer, standings, cache, storms, clock, timers, metrics, alerts, crashPoints } = parts;
  const redeem = createRedeem({ clock, metrics });
  const ours = createRecentMap<string, { readonly until: number; readonly failure: Failure }>(10_000);

  async function run(request: RefreshRequest): Promise<FreshToken> {
    let current = request;
    for (let fences = 0; fences < MOST_FENCES; fences++) {
      const fill = cache.open(ownerOf(current.standing));
      try {
        const fresh = await untilFresh(current, fill);
        if (fresh !== 'fenced') return fresh;
      } finally {
        fill.end();
      }
      metrics.fenced();
      current = { ...current, standing: await readAgain(current.standing) };
    }
    throw busy(request.standing.connection);
  }

  async function untilFresh(request: RefreshRequest, fill: TokenCacheFill): Promise<FreshToken | 'fenced'> {
    const giveUp = performance.now() + PATIENCE;
    const { connection } = request.standing;
    for (let pause = POLL_FIRST; ; pause = Math.min(POLL_LONGEST, pause * 1.5)) {
      const stored = await stores.grants.findAccessToken(connection.uid, request.resource);
      if (stored !== undefined && request.accepts(stored)) return answer(connection.uid, stored, 'DATABASE', fill);
      if (!request.insist) refuseHeld(connection);
      const attempt = await attemptUnderLease(request, fill);
      if (attempt !== 'lease_lost') return attempt;
      metrics.leaseLost();
      if (performance.now() >= giveUp) throw busy(connection);
      await timers.sleep(pause * (0.5 + parts.random()));
    }
  }

  async function attemptUnderLease(request: RefreshRequest, fill: TokenCacheFill): Promise<Attempt> {
    const { app, connection } = request.standing;
    const { priority } = request;
    // Before the lease, so that waiting for a slot cannot outlive it.
    const directoryId = connection.account?.directoryId;
    const admission = await admitWithin(PATIENCE, authorizationServer, { app, directoryId, priority });
    try {
      await crashPoints?.reach('before_lease');
      const held = await stores.grants.lease(connection.uid, {
        owner: parts.replica,
        resource: request.resource,
        duration: LEASE,
      });
      if (held === undefined) return 'lease_lost';
      return await underLease(held, request, fill, admission);
    } finally {
      admission.release();
    }
  }

  async function underLease(
    held: HeldLease,
    request: RefreshRequest,
    fill: TokenCacheFill,
    admission: Awaited<ReturnType<AuthorizationServer['admit']>>,
  ): Promise<Attempt> {
    const { connection } = held;
    let over = false;
    try {
      await crashPoints?.reach('after_lease');
      // Connected through another app since we read it.
      if (connection.appUid !== request.standing.app.uid) return 'fenced';
      refuseSuspended({ ...request.standing, connection });
      if (request.insist) refuseUserless(connection);
      else refuseState(connection, clock.now());
      if (held.accessToken !== undefined && request.accepts(held.accessToken)) {
        return answer(connection.uid, held.accessToken, 'DATABASE', fill);
      }
      if (!request.insist) refuseHeld(connection);
      if (held.refreshToken === undefined) throw pending(connection);

      const { outcome, refreshToken, mismatch } = await redeem({
        held,
        refreshToken: held.refreshToken,
        admission,
        tenant: request.standing.tenant,
        resource: request.resource,
        claims: request.claims,
      });
      await crashPoints?.reach('after_entra');

      const now = clock.now();
      const tried = { connection, resource: request.resource };
      const context = { resource: request.resource, jitter: parts.random() };
      const after = afterRedeem(connection, outcome, now, context);
      if (outcome.kind === 'granted') {
        storms.judge(tried, undefined, now);
        const { accessToken } = outcome;
        const recorded = await record(held, { connection: after, refreshToken, accessToken });
        over = true;
        if (recorded === 'fenced') return 'fenced';
        await crashPoints?.reach('after_record');
        standings.update(after);
        return answer(connection.uid, accessToken, 'ENTRA', fill);
      }

      if (outcome.kind === 'looping') alerts.raise('looping', connection, outcome);
      if (outcome.kind === 'ours') {
        alerts.raise(mismatch ? 'account_changed' : 'ours', connection, outcome);
        ours.set(connection.uid, { until: now + OURS_HOLD, failure: outcome });
      }
      if (after !== connection) {
        const verdict = outcome.kind === 'looping' ? 'mark' : storms.judge(tried, outcome, now);
        if (verdict === 'hold') throw heldBack(connection, storms.holdOf(connection.uid, now) ?? MINUTE);
        const recorded = await record(held, { connection: after, refreshToken: undefined, accessToken: undefined });
        over = true;
        // The grant was replaced while Entra refused the old one: the refusal is not about the new one.
        if (recorded === 'fenced') return 'fenced';
        standings.update(after);
        if (outcome.kind !== 'looping') alerts.marked(after, outcome);
        if (after.grantState !== 'ACTIVE') cache.drop({ kind: 'connection', uid: connection.uid });
      }
      throw refusalOf(after, outcome, now);
    } finally {
      // The lease frees itself when even this fails.
      if (!over) await held.release().catch(() => {});
    }
  }

  async function record(held: HeldLease, what: RefreshRecord): Promise<'recorded' | 'fenced'> {
    for (const pause of RECORD_RETRIES) {
      try {
        return await held.record(what);
      } catch (error) {
        if (!isVaultError(error, 'DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE')) throw error;
        metrics.recordRetried();
        await timers.sleep(pause);
      }
    }
    return held.record(what);
  }

  function answer(
    connectionUid: string,
    accessToken: AccessToken,
    source: TokenSource,
    fill: TokenCacheFill,
  ): FreshToken {
    // However soon Entra wants it replaced, not at once again: equal requests in a row are a loop to it (50196).
    const soonest = clock.now() + SHORTEST_USE;
    fill.put(accessToken.resource, { accessToken, source: 'CACHE', connectionUid }, soonest);
    return { accessToken, source, connectionUid };
  }

  function refuseHeld(connection: Connection): void {
    const now = clock.now();
    const mistake = ours.find(connection.uid);
    if (mistake !== undefined && now < mistake.until) throw failed(connection, mistake.failure);
    const storm = storms.holdOf(connection.uid, now);
    if (storm !== undefined) throw heldBack(connection, storm);
    const { heldUntil } = connection;
    if (heldUntil !== undefined && now < heldUntil) throw heldBack(connection, heldUntil - now);
  }

  async function readAgain(standing: Standing): Promise<Standing> {
    const { connection } = standing;
    const change = { kind: 'connection', uid: connection.uid } as const;
    standings.drop(change);
    cache.drop(change);
    const again = await standings.findByUid(connection.uid);
    if (again === undefined) {
      const name = connectionName(connection);
      throw new VaultError('CONNECTION_NOT_FOUND', `${name} was deleted; connect the user again`, {
        metadata: { connection: name },
      });
    }
    refuse(again, clock.now());
    return again;
  }

  return { run, release: (connectionUid) => ours.delete(connectionUid) };
}

/** What the caller is told once the outcome is recorded. */
function refusalOf(after: Connection, failure: Failure, now: number): VaultError {
  if (after.grantState !== 'ACTIVE') {
    return failed(after, { ...failure, reason: after.stateEvidence?.reason ?? failure.reason });
  }
  const wait = (after.heldUntil ?? 0) - now;
  return wait > 0 ? heldBack(after, wait) : failed(after, failure);
}

/** No more requests with a refresh token that Entra refused, whoever insists. */
function refuseUserless(connection: Connection): void {
  if (connection.grantState !== 'BLOCKED') refuseState(connection, 0);
}

function ownerOf({ tenant, app, connection }: Standing) {
  return { uid: connection.uid, appUid: app.uid, tenantUid: tenant.uid };
}

function busy(connection: Connection): VaultError {
  const name = connectionName(connection);
  return new VaultError('DATABASE_UNAVAILABLE', `${name} is being refreshed elsewhere and stayed so; retry`, {
    metadata: { connection: name },
    retryAfter: SECOND,
  });
}
