import { type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { afterRedeem } from '../model/connection_after_redeem.ts';
import { isGrantSound, withDerivedState } from '../model/connection_resource_states.ts';
import { isVaultError } from '../model/errors.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import type { CorrelatedFailureDetector, DeferredFailure, TriedConnection } from './correlated_failure_detector.ts';
import type { TokenParts } from './token_dependencies.ts';

const LEASE: Duration = 5 * SECOND;
/** Together longer than any lease. */
const ATTEMPTS = 30;
const PAUSE: Duration = 500;

export type CorrelatedFailureGuard = ReturnType<typeof createCorrelatedFailureGuard>;

/** Acts on the detector's verdicts: reverts state changes once failures prove correlated, and applies them once they are confirmed. */
export function createCorrelatedFailureGuard(parts: TokenParts, detector: CorrelatedFailureDetector) {
  const { stores, snapshots, cache, clock, timers, alerts } = parts;
  parts.metrics.observeDeferred(detector.deferredByApp);
  const work = new Set<Promise<void>>();

  function runInBackground(task: Promise<void>): void {
    const quiet = task.catch(() => {}).finally(() => work.delete(quiet));
    work.add(quiet);
  }

  async function revert(applied: readonly DeferredFailure[]): Promise<void> {
    for (const deferred of applied) {
      await change(deferred.connection.uid, (connection) => reverted(connection, deferred, clock.now()));
    }
  }

  async function applyAll(deferred: readonly DeferredFailure[], exceptUid: string): Promise<void> {
    for (const { connection: before, resource, failure, time } of deferred) {
      if (before.uid === exceptUid) continue;
      await change(before.uid, (connection) => {
        // Redeemed or granted again since; an unverified import shows that in its update time alone.
        if (connection.updateTime > time || !isGrantSound(connection)) return connection;
        return afterRedeem(connection, failure, clock.now(), resource);
      });
    }
  }

  /** Persistent within reason: a sound grant must not stay refused because the database failed for a moment. */
  async function change(connectionUid: string, transition: (connection: Connection) => Connection): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        if (await changeNow(connectionUid, transition)) return;
      } catch (error) {
        // A row that cannot be decrypted stays as it is; the other connections follow.
        if (!isVaultError(error, 'DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE')) return;
      }
      await timers.sleep(PAUSE);
    }
  }

  /** Under the lease and fenced, so that a grant that was replaced meanwhile stays as it is. False: another owner holds the lease. */
  async function changeNow(connectionUid: string, transition: (connection: Connection) => Connection) {
    const held = await stores.grants.lease(connectionUid, { owner: parts.replica, resource: '', duration: LEASE });
    if (held === undefined) return (await snapshots.findByUid(connectionUid)) === undefined;
    const after = transition(held.connection);
    if (after === held.connection) {
      await held.release();
      return true;
    }
    const recorded = await held.record({ connection: after, refreshToken: undefined, accessToken: undefined });
    if (recorded === 'fenced') return true;
    snapshots.update({ ...after, version: after.version + 1 });
    cache.dropRefused(after);
    return true;
  }

  return {
    /** Whether the failure changes no state yet. Called for each exchange about a grant; `failure` is undefined where Entra granted. */
    defers(tried: TriedConnection, failure: Failure | undefined, now: Timestamp): boolean {
      // The vault's own checks (account, directory) say nothing about Entra.
      if (failure !== undefined && failure.entraError === undefined) return false;
      const verdict = detector.evaluate(tried, failure, now);
      if (verdict.kind === 'apply_all') runInBackground(applyAll(verdict.deferred, tried.connection.uid));
      if (verdict.kind !== 'defer') return false;
      if (verdict.isFirst && failure !== undefined) alerts.raise('correlated_failures', tried.connection, failure);
      runInBackground(revert(verdict.applied));
      return true;
    },
    /** Waits until all changes in the background are recorded. */
    async settled(): Promise<void> {
      while (work.size > 0) await Promise.allSettled(work);
    },
  };
}

/** The connection as it was before the failure; the same object if another answer changed it since. */
function reverted(connection: Connection, deferred: DeferredFailure, now: Timestamp): Connection {
  const { connection: before, resource, failure, time } = deferred;
  if (failure.subject === 'resource' && isGrantSound(before)) {
    return resourceReverted(connection, before, resource, time);
  }
  // A first doubtful failure leaves no reason, only its time.
  if (connection.stateReason?.time !== time && connection.firstSuspectTime !== time) return connection;
  const { grantState, stateReason, granted, resourceIssues, firstSuspectTime, heldUntil } = before;
  const keepAliveTime = before.keepAliveTime ?? now;
  return {
    ...connection,
    ...{ grantState, stateReason, granted, resourceIssues, firstSuspectTime, heldUntil, keepAliveTime },
  };
}

/** Only the one resource: another one may have changed since. */
function resourceReverted(connection: Connection, before: Connection, resource: string, time: Timestamp): Connection {
  if (connection.resourceIssues[resource]?.evidence.time !== time) return connection;
  const { [resource]: _, ...others } = connection.resourceIssues;
  const known = before.resourceIssues[resource];
  const permissions = before.granted[resource];
  return withDerivedState({
    ...connection,
    granted: permissions === undefined ? connection.granted : { ...connection.granted, [resource]: permissions },
    resourceIssues: known === undefined ? others : { ...others, [resource]: known },
  });
}
