import type { Clock } from '../model/clock.ts';
import { DAY, type Duration, HOUR } from '../model/clock.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { BatchJob } from './batch_job.ts';

/** Events are kept for clients of WatchEvents. */
const EVENTS_KEPT: Duration = 30 * DAY;
/** Of changes, ids of commits, and processes that ended without removing their row. A process that was cut off for longer drops all that it cached. */
const REPLICATION_KEPT: Duration = HOUR;
/** Of callers of connections. */
const CALLERS_KEPT: Duration = 30 * DAY;
/** Of credentials of callers. A caller that calls once a year is not one that was never used. */
const CREDENTIALS_KEPT: Duration = 400 * DAY;
/** A batch is one commit, which blocks other writers. Up to a hundred attempts are deleted with each authorization. */
const BATCH = 250;
const EVENT_BATCH = 1_000;

export interface PurgeParts {
  readonly stores: Pick<
    Stores,
    'authorizations' | 'adminConsents' | 'outbox' | 'changes' | 'replicas' | 'commitIds' | 'usage'
  >;
  readonly clock: Clock;
}

/** Deletes expired authorizations and admin consents, and old events, changes, ids of commits, use and processes. */
export function createPurgeJob({ stores, clock }: PurgeParts): BatchJob {
  const sweeps: readonly (readonly [size: number, sweep: (limit: number) => Promise<number>])[] = [
    [BATCH, (limit) => stores.authorizations.sweep(clock.now(), limit)],
    [BATCH, (limit) => stores.adminConsents.sweep(clock.now(), limit)],
    [EVENT_BATCH, (limit) => stores.outbox.sweep(clock.now() - EVENTS_KEPT, limit)],
    [EVENT_BATCH, (limit) => stores.changes.sweep(REPLICATION_KEPT, limit)],
    [EVENT_BATCH, (limit) => stores.commitIds.sweep(REPLICATION_KEPT, limit)],
    [EVENT_BATCH, (limit) => stores.usage.sweepConnectionCallers(clock.now() - CALLERS_KEPT, limit)],
    [EVENT_BATCH, (limit) => stores.usage.sweepCredentials(clock.now() - CREDENTIALS_KEPT, limit)],
    [BATCH, (limit) => stores.replicas.sweep(REPLICATION_KEPT, limit)],
  ];
  return {
    async batch() {
      let isMore = false;
      for (const [size, sweep] of sweeps) if ((await sweep(size)) === size) isMore = true;
      return isMore;
    },
  };
}
