import { afterRedeem } from '../model/after_redeem.ts';
import { type Clock, type Duration, SECOND, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { isGrantSound, withDerivedState } from '../model/connection_resources.ts';
import { isVaultError } from '../model/errors.ts';
import type { Failure } from '../model/exchange.ts';
import type { Timers } from '../model/timers.ts';
import type { Stores } from '../store/stores.ts';
import type { Alerts } from './alerts.ts';
import type { ConnectionSnapshots } from './connection_snapshot.ts';
import {
  createCorrelatedFailureDetector,
  type DeferredFailure,
  type TriedConnection,
} from './correlated_failure_detector.ts';
import { dropRejectedToken } from './drop_rejected_token.ts';
import type { TokenCache } from './token_cache.ts';
import type { TokenMetrics } from './token_metrics.ts';

const LEASE: Duration = 5 * SECOND;
/** Together longer than anybody's lease. */
const ATTEMPTS = 30;
const PAUSE: Duration = 500;

/** Does what the storm guard says: takes back marks, and sets them once a storm proved real. */
export interface CorrelatedFailureGuard {
  judge(tried: TriedConnection, failure: Failure | undefined, now: Timestamp): 'mark' | 'hold';
  holdOf(connectionUid: string, resource: string, now: Timestamp): Duration | undefined;
  dueProbes(now: Timestamp): readonly TriedConnection[];
  release(connectionUid: string): void;
  /** Waits until all marks are set or taken back. */
  settled(): Promise<void>;
}

export interface CorrelatedFailureGuardParts {
  readonly stores: Pick<Stores, 'grants'>;
  readonly snapshots: ConnectionSnapshots;
  readonly cache: TokenCache;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: () => number;
  readonly replica: string;
  readonly metrics: TokenMetrics;
  readonly alerts: Alerts;
}

export function createCorrelatedFailureGuard(parts: CorrelatedFailureGuardParts): CorrelatedFailureGuard {
  const { stores, snapshots, cache, clock, timers, metrics, alerts } = parts;
  const guard = createCorrelatedFailureDetector();
  const work = new Set<Promise<void>>();

  function inBackground(task: Promise<void>): void {
    const quiet = task.catch(() => {}).finally(() => work.delete(quiet));
    work.add(quiet);
  }

  /** However long it takes within reason: a healthy grant must not stay marked because the database stumbled. */
  async function change(connectionUid: string, move: (connection: Connection) => Connection): Promise<void> {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        if (await changeNow(connectionUid, move)) return;
      } catch (error) {
        // A row that cannot be opened stays as it is, and the others' turn comes all the same.
        if (!isVaultError(error, 'DATABASE_UNAVAILABLE', 'KEY_SOURCE_UNAVAILABLE')) return;
      }
      await timers.sleep(PAUSE);
    }
  }

  /** Under the lease and fenced, so that a grant that was replaced meanwhile is left alone. False: somebody holds the lease. */
  async function changeNow(connectionUid: string, move: (connection: Connection) => Connection): Promise<boolean> {
    const held = await stores.grants.lease(connectionUid, { owner: parts.replica, resource: '', duration: LEASE });
    if (held === undefined) return (await snapshots.findByUid(connectionUid)) === undefined;
    const after = move(held.connection);
    if (after === held.connection) {
      await held.release();
      return true;
    }
    const recorded = await held.record({ connection: after, refreshToken: undefined, accessToken: undefined });
    if (recorded === 'fenced') return true;
    snapshots.update({ ...after, version: after.version + 1 });
    dropRejectedToken(cache, after);
    return true;
  }

  async function takeBack(marked: readonly DeferredFailure[]): Promise<void> {
    for (const { connection: before, resource, failure, time } of marked) {
      await change(before.uid, (connection) => {
        if (failure.subject === 'resource' && isGrantSound(before)) {
          return resourceAsBefore(connection, before, resource, time);
        }
        const { grantState, stateReason, granted, resourceIssues, firstSuspectTime, heldUntil } = before;
        // Of another time: somebody else changed it since. A first strike leaves no evidence.
        if (connection.stateReason?.time !== time && connection.firstSuspectTime !== time) return connection;
        const keepAliveTime = before.keepAliveTime ?? clock.now();
        const asBefore = {
          grantState,
          stateReason,
          granted,
          resourceIssues,
          firstSuspectTime,
          heldUntil,
          keepAliveTime,
        };
        return { ...connection, ...asBefore };
      });
    }
  }

  async function markAll(held: readonly DeferredFailure[], but: string): Promise<void> {
    for (const { connection: before, resource, failure, time } of held) {
      if (before.uid === but) continue;
      await change(before.uid, (connection) => {
        // Redeemed or granted anew since; an import that was not verified yet says so in its update time alone.
        if (connection.updateTime > time || !isGrantSound(connection)) return connection;
        return afterRedeem(connection, failure, clock.now(), { resource, jitter: parts.random() });
      });
    }
  }

  return {
    judge(tried, failure, now) {
      // A refusal of our own (an account, a directory) says nothing about Entra.
      if (failure !== undefined && failure.entraError === undefined) return 'mark';
      const verdict = guard.judge(tried, failure, now);
      metrics.stateDeferred(guard.deferredCount);
      switch (verdict.kind) {
        case 'mark':
          return 'mark';
        case 'hold':
          if (verdict.began && failure !== undefined) alerts.raise('storm', tried.connection, failure);
          if (verdict.marked.length > 0) inBackground(takeBack(verdict.marked));
          return 'hold';
        case 'mark_all':
          inBackground(markAll(verdict.held, tried.connection.uid));
          return 'mark';
      }
    },
    holdOf: guard.holdOf,
    dueProbes: guard.dueProbes,
    release: guard.release,
    async settled() {
      while (work.size > 0) await Promise.allSettled(work);
    },
  };
}

/** Only the one resource: another one may have been marked or granted since. */
function resourceAsBefore(connection: Connection, before: Connection, resource: string, time: Timestamp): Connection {
  const issue = connection.resourceIssues[resource];
  // Of another time: another answer changed it since.
  if (issue?.evidence.time !== time) return connection;
  const { [resource]: _, ...others } = connection.resourceIssues;
  const known = before.resourceIssues[resource];
  const permissions = before.granted[resource];
  return withDerivedState({
    ...connection,
    granted: permissions === undefined ? connection.granted : { ...connection.granted, [resource]: permissions },
    resourceIssues: known === undefined ? others : { ...others, [resource]: known },
  });
}
