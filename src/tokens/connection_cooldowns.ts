import { createBoundedCache } from '../model/bounded_cache.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { cooldownRemaining } from '../model/connection_after_redeem.ts';
import { resourceCooldownRemaining } from '../model/connection_resource_issue.ts';
import { isGrantSound } from '../model/connection_resource_states.ts';
import type { Failure } from '../model/token_request_outcome.ts';
import { coolingDownError, exchangeError } from './connection_serving_errors.ts';
import type { CorrelatedFailureDetector } from './correlated_failure_detector.ts';

/** After a token of another account: the same request would return it again. */
const MISMATCH_COOLDOWN: Duration = MINUTE;

export type Cooldowns = ReturnType<typeof createCooldowns>;

/** Connections for which Entra is not called for a while, although their grant may be sound. */
export function createCooldowns(clock: Clock, detector: CorrelatedFailureDetector) {
  const mismatches = createBoundedCache<string, { readonly time: Timestamp; readonly failure: Failure }>(10_000);
  return {
    /** Throws during a cooldown. `ignoreCooldown` does not skip one that Entra's loop detection requires: a request would prolong it. */
    check(connection: Connection, resource: string, ignoreCooldown: boolean | undefined): void {
      const now = clock.now();
      const remaining = cooldownRemaining(connection, now);
      const mayBeIgnored = connection.grantState === 'BLOCKED' && !isGrantSound(connection);
      if (remaining > 0 && !(ignoreCooldown && mayBeIgnored)) throw coolingDownError(connection, remaining);
      const issue = connection.resourceIssues[resource];
      const suspectRemaining = issue?.state === 'ACTIVE' ? resourceCooldownRemaining(issue, now) : 0;
      if (suspectRemaining > 0) throw coolingDownError(connection, suspectRemaining);
      if (ignoreCooldown) return;
      const mismatch = mismatches.get(connection.uid);
      if (mismatch !== undefined && elapsedSince(mismatch.time, now) < MISMATCH_COOLDOWN)
        throw exchangeError(connection, mismatch.failure, resource);
      const deferred = detector.cooldownOf(connection.uid, resource, now);
      if (deferred !== undefined) throw coolingDownError(connection, deferred);
    },
    /** Entra issued a token of another account. */
    rememberMismatch(connection: Connection, failure: Failure): void {
      mismatches.set(connection.uid, { time: clock.now(), failure });
    },
    /** The connection changed, so Entra may be called again. */
    clear(connectionUid: string): void {
      mismatches.delete(connectionUid);
      detector.release(connectionUid);
    },
  };
}
