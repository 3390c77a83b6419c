import { restOf } from '../model/after_redeem.ts';
import { type Clock, type Duration, MINUTE, type Timestamp } from '../model/clock.ts';
import type { Connection } from '../model/connection.ts';
import type { Failure } from '../model/exchange.ts';
import { createRecentMap } from './recent_map.ts';
import { failed, heldBack } from './refusal.ts';
import type { StormWatch } from './storm_watch.ts';

/** After a mistake of ours, which asking again cannot mend. */
const MISTAKE_HOLD: Duration = MINUTE;

/** Connections for which Entra is left alone for a while, although their grant may be well. */
export interface Holds {
  /** Throws while it is held. Who insists is let through, but for a grant that Entra wants left alone: that would prolong a loop. */
  refuse(connection: Connection, insist: boolean | undefined): void;
  /** A bug or a damaged token: never retried in a loop. */
  rememberMistake(connection: Connection, failure: Failure): void;
  /** The connection changed: ask again. */
  release(connectionUid: string): void;
}

interface Mistake {
  readonly time: Timestamp;
  readonly failure: Failure;
}

export function createHolds({ storms, clock }: { readonly storms: StormWatch; readonly clock: Clock }): Holds {
  const mistakes = createRecentMap<string, Mistake>(10_000);
  return {
    refuse(connection, insist) {
      const now = clock.now();
      const rest = restOf(connection, now);
      if (rest > 0 && !(insist && connection.grantState === 'BLOCKED')) throw heldBack(connection, rest);
      if (insist) return;
      const mistake = mistakes.find(connection.uid);
      if (mistake !== undefined && Math.abs(now - mistake.time) < MISTAKE_HOLD)
        throw failed(connection, mistake.failure);
      const storm = storms.holdOf(connection.uid, now);
      if (storm !== undefined) throw heldBack(connection, storm);
    },
    rememberMistake(connection, failure) {
      mistakes.set(connection.uid, { time: clock.now(), failure });
    },
    release(connectionUid) {
      mistakes.delete(connectionUid);
      storms.release(connectionUid);
    },
  };
}
