import { cooldownRemaining } from '../model/after_redeem.ts';
import { type Clock, type Duration, elapsedSince, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import { isGrantSound } from '../model/connection_resources.ts';
import type { Failure } from '../model/exchange.ts';
import { resourceCooldownRemaining } from '../model/resource_issue.ts';
import { coolingDownError, exchangeError } from './connection_errors.ts';
import type { CorrelatedFailureGuard } from './correlated_failure_guard.ts';
import { createRecentMap } from './recent_map.ts';

/** After a token of another account, which another request would bring again. */
const MISTAKE_HOLD: Duration = MINUTE;

/** Connections for which Entra is left alone for a while, although their grant may be well. */
export interface Cooldowns {
  /** Throws while it is held. Who insists is let through, but for a grant that Entra wants left alone: that would prolong a loop. */
  refuse(connection: Connection, resource: string, ignoreCooldown: boolean | undefined): void;
  /** Entra gave a token of another account: not requested in a loop. */
  rememberMistake(connection: Connection, failure: Failure): void;
  /** The connection changed: ask again. */
  release(connectionUid: string): void;
}

interface Mistake {
  readonly time: Timestamp;
  readonly failure: Failure;
}

export function createCooldowns({
  correlatedFailures,
  clock,
}: {
  readonly correlatedFailures: CorrelatedFailureGuard;
  readonly clock: Clock;
}): Cooldowns {
  const mistakes = createRecentMap<string, Mistake>(10_000);
  return {
    refuse(connection, resource, ignoreCooldown) {
      const now = clock.now();
      const rest = cooldownRemaining(connection, now);
      const mayIgnoreCooldown = connection.grantState === 'BLOCKED' && !isGrantSound(connection);
      if (rest > 0 && !(ignoreCooldown && mayIgnoreCooldown)) throw coolingDownError(connection, rest);
      const issue = connection.resourceIssues[resource];
      const doubt = issue?.state === 'ACTIVE' ? resourceCooldownRemaining(issue, now) : 0;
      if (doubt > 0) throw coolingDownError(connection, doubt);
      if (ignoreCooldown) return;
      const mistake = mistakes.find(connection.uid);
      if (mistake !== undefined && elapsedSince(mistake.time, now) < MISTAKE_HOLD)
        throw exchangeError(connection, mistake.failure, resource);
      const storm = correlatedFailures.holdOf(connection.uid, resource, now);
      if (storm !== undefined) throw coolingDownError(connection, storm);
    },
    rememberMistake(connection, failure) {
      mistakes.set(connection.uid, { time: clock.now(), failure });
    },
    release(connectionUid) {
      mistakes.delete(connectionUid);
      correlatedFailures.release(connectionUid);
    },
  };
}
