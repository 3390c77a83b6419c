import type { Admission, Priority } from '../entra/authorization_server.ts';
import type { AccessToken } from '../model/access_token.ts';
import { afterRedeem, cooldownRemaining } from '../model/after_redeem.ts';
import { type Clock, type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { isGrantSound, isRefused, mayBeVerified } from '../model/connection_resources.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import type { Failure, Granted } from '../model/exchange.ts';
import { resourceCooldownRemaining } from '../model/resource_issue.ts';
import type { Timers } from '../model/timers.ts';
import type { HeldLease, RefreshRecord } from '../store/stores.ts';
import type { Alerts } from './alerts.ts';
import {
  checkDirectory,
  checkGrantState,
  checkNotSuspended,
  checkResourceGranted,
  checkResourceIssue,
  claimsError,
  coolingDownError,
  exchangeError,
  pendingError,
} from './connection_errors.ts';
import type { ConnectionSnapshot, ConnectionSnapshots } from './connection_snapshot.ts';
import type { Cooldowns } from './cooldowns.ts';
import type { CorrelatedFailureGuard } from './correlated_failure_guard.ts';
import { dropRejectedToken } from './drop_rejected_token.ts';
import type { Force, ForcedExchanges } from './forced_exchanges.ts';
import { createRedeem, type Redemption } from './redeem.ts';
import type { TokenCache } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

/** A record is tried again in memory this often, while the lease lasts. */
const RECORD_RETRIES: readonly Duration[] = [50, 150, 400, 1_000];

/** Redeem, whatever is stored. */
export const FORCE_REFRESH = { accepts: () => false, endsAfter: Number.MAX_SAFE_INTEGER } as const;

export interface RefreshRequest {
  readonly snapshot: ConnectionSnapshot;
  readonly resource: string;
  readonly priority: Priority;
  /** Whether a stored token will do; never: redeem whatever is stored. */
  readonly accepts: (token: AccessToken) => boolean;
  /** A stored one that ends sooner is not accepted, so it is not even opened. */
  readonly endsAfter: Timestamp;
  /** A claims challenge for Entra. */
  readonly claims?: string | undefined;
  /** Ask although the connection or the resource is refused: VerifyConnection, keep-alive, a probe. Not while it rests after a loop or a strike. */
  readonly ignoreCooldown?: boolean | undefined;
  /** The call that wants another token than the stored one; undefined: nobody forces it. */
  readonly force?: Force | undefined;
}

export interface RefreshUnderLeaseParts {
  readonly snapshots: ConnectionSnapshots;
  readonly cache: TokenCache;
  readonly correlatedFailures: CorrelatedFailureGuard;
  readonly cooldowns: Cooldowns;
  readonly forcedExchanges: ForcedExchanges;
  readonly clock: Clock;
  readonly timers: Timers;
  /** 0 to 1. */
  readonly random: () => number;
  readonly metrics: TokenMetrics;
  readonly alerts: Alerts;
}

/** `fenced`: the grant is another one by now, and the outcome void. */
export type LeasedRefresh = { readonly token: AccessToken; readonly source: 'DATABASE' | 'ENTRA' } | 'fenced';

/** Looks again, redeems, records; throws what Entra refused. The lease is over when it returns. */
export function createRefreshUnderLease(parts: RefreshUnderLeaseParts) {
  const { snapshots, cache, correlatedFailures, cooldowns, forcedExchanges, clock, timers, metrics, alerts } = parts;
  const redeem = createRedeem({ clock, metrics });

  return async function refreshUnderLease(
    held: HeldLease,
    admission: Admission,
    request: RefreshRequest,
  ): Promise<LeasedRefresh> {
    // `record` ends the lease.
    let ended = false;
    const record = async (what: RefreshRecord) => {
      const recorded = await recordDurably(held, what);
      ended = true;
      return recorded;
    };
    try {
      const token = lookAgain(held, request);
      if (token !== undefined) return token;
      if (held.refreshToken === undefined) throw pendingError(held.connection);
      const { refreshToken } = held;
      const { resource, claims, ignoreCooldown: force = false } = request;
      const { tenant } = request.snapshot;
      const redemption = await redeem({ held, refreshToken, admission, tenant, resource, claims, force });
      return redemption.outcome.kind === 'granted'
        ? await keep(held.connection, redemption.outcome, redemption, record)
        : await blame(held.connection, redemption.outcome, request, redemption, record);
    } finally {
      // It frees itself when even this fails.
      if (!ended) await held.release().catch(() => {});
    }
  };

  function lookAgain({ connection, accessToken }: HeldLease, request: RefreshRequest): LeasedRefresh | undefined {
    const { snapshot } = request;
    // Connected through another app since it was read.
    if (connection.appUid !== snapshot.app.uid) return 'fenced';
    if (connection.version !== snapshot.connection.version) snapshots.update(connection);
    checkNotSuspended({ ...snapshot, connection });
    checkDirectory({ ...snapshot, connection });
    // A refresh token that Entra named dead is not redeemed again, not even for VerifyConnection.
    if (!request.ignoreCooldown || !mayBeVerified(connection)) checkGrantState(connection, clock.now());
    checkResourceGranted(connection, request.resource);
    if (!request.ignoreCooldown) checkResourceIssue(connection, request.resource, clock.now());
    if (accessToken !== undefined && request.accepts(accessToken)) return { token: accessToken, source: 'DATABASE' };
    cooldowns.refuse(connection, request.resource, request.ignoreCooldown);
    forcedExchanges.begin(connection, request.force);
    return undefined;
  }

  async function keep(
    connection: Connection,
    outcome: Granted,
    { refreshToken, unmet }: Redemption,
    record: (what: RefreshRecord) => Promise<'recorded' | 'fenced'>,
  ): Promise<LeasedRefresh> {
    const now = clock.now();
    const { accessToken } = outcome;
    const { resource } = accessToken;
    correlatedFailures.judge({ connection, resource }, undefined, now);
    const after = afterRedeem(connection, outcome, now, { resource, jitter: parts.random() });
    if ((await record({ connection: after, refreshToken, accessToken })) === 'fenced') return 'fenced';
    snapshots.update(nextVersion(after));
    if (unmet !== undefined) throw claimsError(after, unmet, resource);
    return { token: accessToken, source: 'ENTRA' };
  }

  async function blame(
    connection: Connection,
    failure: Failure,
    { resource }: RefreshRequest,
    redemption: Redemption,
    record: (what: RefreshRecord) => Promise<'recorded' | 'fenced'>,
  ): Promise<'fenced'> {
    const { mismatch, unmet, proof, refreshToken } = redemption;
    const now = clock.now();
    if (failure.kind === 'looping') alerts.raise('looping', connection, failure);
    if (failure.kind === 'ours') {
      alerts.raise(mismatch ? 'account_changed' : 'ours', connection, failure);
      if (mismatch) cooldowns.rememberMistake(connection, failure);
    }
    const proven = proof === undefined ? connection : afterProof(connection, proof, now);
    const after = afterRedeem(proven, failure, now, { resource, jitter: parts.random() });
    if (after === connection) {
      // A new refresh token is worth keeping, also where the access token that came with it is not.
      if (refreshToken !== undefined) {
        if ((await record({ connection, refreshToken, accessToken: undefined })) === 'fenced') return 'fenced';
        snapshots.update(nextVersion(connection));
      }
      throw toldOf(after, unmet ?? failure, resource);
    }

    if (failure.kind !== 'looping' && correlatedFailures.judge({ connection, resource }, failure, now) === 'hold') {
      if (proof !== undefined) await record({ connection: proven, refreshToken, accessToken: proof.accessToken });
      throw coolingDownError(connection, correlatedFailures.holdOf(connection.uid, resource, now) ?? MINUTE);
    }
    const recorded = await record({ connection: after, refreshToken, accessToken: proof?.accessToken });
    // Replaced while Entra refused the old one: the refusal is not about the new one.
    if (recorded === 'fenced') return 'fenced';
    snapshots.update(nextVersion(after));
    if (failure.kind !== 'looping') alerts.marked(after, failure, resource);
    dropRejectedToken(cache, after);
    throw unmet === undefined ? refusalOf(after, failure, resource, now) : toldOf(after, unmet, resource);
  }

  function afterProof(connection: Connection, proof: Granted, now: Timestamp): Connection {
    const { resource } = proof.accessToken;
    correlatedFailures.judge({ connection, resource }, undefined, now);
    return afterRedeem(connection, proof, now, { resource, jitter: parts.random() });
  }

  async function recordDurably(held: HeldLease, what: RefreshRecord): Promise<'recorded' | 'fenced'> {
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
}

/** As the record left the row. */
function nextVersion(connection: Connection): Connection {
  return { ...connection, version: connection.version + 1 };
}

/** A code of the claims challenge says by itself that the challenge is at fault. */
function toldOf(connection: Connection, failure: Failure, resource: string): VaultError {
  return failure.kind === 'caller'
    ? claimsError(connection, failure, resource)
    : exchangeError(connection, failure, resource);
}

/** What the caller is told once the outcome is recorded. */
function refusalOf(after: Connection, failure: Failure, resource: string, now: Timestamp): VaultError {
  const issue = after.resourceIssues[resource];
  const evidence = isGrantSound(after) ? isRefused(after, resource) && issue?.evidence : after.stateReason;
  if (evidence) return exchangeError(after, { ...failure, reason: evidence.reason }, resource);
  const wait = Math.max(cooldownRemaining(after, now), resourceCooldownRemaining(issue, now));
  return wait > 0 ? coolingDownError(after, wait) : exchangeError(after, failure, resource);
}
