import type { Admission } from '../entra/entra_client_interface.ts';
import type { AccessToken } from '../model/access_token.ts';
import { type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Account, Connection } from '../model/connection.ts';
import { afterRedeem, cooldownRemaining } from '../model/connection_after_redeem.ts';
import { resourceCooldownRemaining } from '../model/connection_resource_issue.ts';
import { refusalOf } from '../model/connection_resource_states.ts';
import { isVaultError, type VaultError } from '../model/errors.ts';
import type { Failure, Granted } from '../model/token_request_outcome.ts';
import type { HeldLease, RefreshRecord } from '../store/store_interfaces.ts';
import type { CorrelatedFailureGuard } from './apply_correlation_verdicts.ts';
import { checkNotContained } from './check_not_contained.ts';
import type { Cooldowns } from './connection_cooldowns.ts';
import {
  checkAllowed,
  checkGrantState,
  checkResourceGranted,
  checkResourceIssue,
  claimsError,
  coolingDownError,
  exchangeError,
  pendingError,
} from './connection_serving_errors.ts';
import type { CorrelatedFailureDetector } from './correlated_failure_detector.ts';
import type { ForcedExchanges } from './forced_exchange_rate_limit.ts';
import { createRedeem, type Redemption } from './redeem_refresh_token.ts';
import type { RefreshRequest } from './refresh_request.ts';
import type { TokenParts } from './token_dependencies.ts';

/** Pauses between attempts to record an outcome, while the lease lasts. */
const RECORD_RETRIES: readonly Duration[] = [50, 150, 400, 1_000];

export interface RefreshUnderLeaseParts extends TokenParts {
  readonly failureDetector: CorrelatedFailureDetector;
  readonly failureGuard: CorrelatedFailureGuard;
  readonly cooldowns: Cooldowns;
  readonly forcedExchanges: ForcedExchanges;
}

/** `fenced`: the grant was replaced meanwhile, so the outcome is void. */
export type LeasedRefresh =
  | {
      readonly accessToken: AccessToken;
      readonly source: 'DATABASE' | 'ENTRA';
      /** As it is now. */
      readonly account: Account | undefined;
    }
  | 'fenced';

type RecordOutcome = (what: RefreshRecord) => Promise<'recorded' | 'fenced'>;

/** Rechecks the connection, redeems, and records the outcome; throws Entra's refusal. The lease is free when it returns. */
export function createRefreshUnderLease(parts: RefreshUnderLeaseParts) {
  const { contained, snapshots, cache, failureGuard, cooldowns, forcedExchanges, clock, timers, metrics, alerts } =
    parts;
  const redeem = createRedeem({ clock, metrics });

  return async function refreshUnderLease(
    held: HeldLease,
    admission: Admission,
    request: RefreshRequest,
  ): Promise<LeasedRefresh> {
    // A record frees the lease.
    let isFree = false;
    const record: RecordOutcome = async (what) => {
      const recorded = await recordDurably(held, what);
      isFree = true;
      return recorded;
    };
    try {
      const stored = recheck(held, request);
      if (stored !== undefined) return stored;
      const { refreshToken } = held;
      if (refreshToken === undefined) throw pendingError(held.connection);
      const redemption = await redeem(held, refreshToken, admission, request);
      return redemption.outcome.kind === 'granted'
        ? await recordGrant(held.connection, redemption.outcome, redemption, record)
        : await recordFailure(held.connection, redemption.outcome, request.resource, redemption, record);
    } finally {
      // The lease expires by itself if even this fails.
      if (!isFree) await held.release().catch(() => {});
    }
  };

  /** Undefined: Entra may be called. */
  function recheck({ connection, accessToken }: HeldLease, request: RefreshRequest) {
    const { snapshot, resource, ignoreCooldown } = request;
    const now = clock.now();
    // Connected through another app since it was read.
    if (connection.appUid !== snapshot.app.uid) return 'fenced';
    if (connection.version !== snapshot.connection.version) snapshots.update(connection);
    // Contained while it waited for a slot and for the lease.
    checkNotContained(contained, { ...snapshot, connection });
    checkAllowed({ ...snapshot, connection });
    checkGrantState(connection, now, ignoreCooldown);
    checkResourceGranted(connection, resource);
    if (!ignoreCooldown) checkResourceIssue(connection, resource, now);
    if (accessToken !== undefined && request.accepts(accessToken))
      return { accessToken, source: 'DATABASE', account: connection.account } as const;
    cooldowns.check(connection, resource, ignoreCooldown);
    forcedExchanges.start(connection, request.force);
    return undefined;
  }

  async function recordGrant(
    connection: Connection,
    outcome: Granted,
    { refreshToken, claimsFailure }: Redemption,
    record: RecordOutcome,
  ): Promise<LeasedRefresh> {
    const { accessToken } = outcome;
    const after = afterGranted(connection, outcome, clock.now());
    if ((await record({ connection: after, refreshToken, accessToken })) === 'fenced') return 'fenced';
    snapshots.update(nextVersion(after));
    if (claimsFailure !== undefined) throw claimsError(after, claimsFailure, accessToken.resource);
    return { accessToken, source: 'ENTRA', account: after.account };
  }

  /** Throws the failure, unless the grant was replaced meanwhile. */
  async function recordFailure(
    connection: Connection,
    failure: Failure,
    resource: string,
    { isMismatch, claimsFailure, proof, refreshToken }: Redemption,
    record: RecordOutcome,
  ): Promise<'fenced'> {
    const now = clock.now();
    if (failure.kind === 'loop_detected') alerts.raise('loop_detected', connection, failure);
    if (failure.kind === 'vault_fault') {
      alerts.raise(isMismatch ? 'account_changed' : 'vault_fault', connection, failure);
      if (isMismatch) cooldowns.rememberMismatch(connection, failure);
    }
    const proven = proof === undefined ? connection : afterGranted(connection, proof, now);
    const after = afterRedeem(proven, failure, now, resource);
    if (after === connection) {
      // A new refresh token must be kept, even if the access token that came with it is unusable.
      if (refreshToken !== undefined) {
        if ((await record({ connection, refreshToken, accessToken: undefined })) === 'fenced') return 'fenced';
        snapshots.update(nextVersion(connection));
      }
      throw requestError(after, claimsFailure ?? failure, resource);
    }

    if (failure.kind !== 'loop_detected' && failureGuard.defers({ connection, resource }, failure, now)) {
      if (proof !== undefined) await record({ connection: proven, refreshToken, accessToken: proof.accessToken });
      throw coolingDownError(connection, parts.failureDetector.cooldownOf(connection.uid, resource, now) ?? MINUTE);
    }
    const recorded = await record({ connection: after, refreshToken, accessToken: proof?.accessToken });
    // Replaced while Entra refused the old grant: the refusal is not about the new one.
    if (recorded === 'fenced') return 'fenced';
    snapshots.update(nextVersion(after));
    if (failure.kind !== 'loop_detected') alerts.stateChanged(after, failure, resource);
    cache.dropRefused(after);
    throw claimsFailure === undefined
      ? stateError(after, failure, resource, now)
      : requestError(after, claimsFailure, resource);
  }

  function afterGranted(connection: Connection, granted: Granted, now: Timestamp): Connection {
    const { resource } = granted.accessToken;
    failureGuard.defers({ connection, resource }, undefined, now);
    return afterRedeem(connection, granted, now, resource);
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

/** Of a failure that left the connection as it was. A `caller` failure means that the claims challenge is at fault. */
function requestError(connection: Connection, failure: Failure, resource: string): VaultError {
  return failure.kind === 'caller'
    ? claimsError(connection, failure, resource)
    : exchangeError(connection, failure, resource);
}

/** Of a failure that changed the connection. */
function stateError(after: Connection, failure: Failure, resource: string, now: Timestamp): VaultError {
  const refusal = refusalOf(after, resource);
  if (refusal !== undefined) return exchangeError(after, { ...failure, reason: refusal.reason }, resource);
  // A first doubtful refusal, or a loop, only starts a pause.
  const wait = Math.max(cooldownRemaining(after, now), resourceCooldownRemaining(after.resourceIssues[resource], now));
  return coolingDownError(after, wait);
}
