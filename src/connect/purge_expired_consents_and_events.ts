import { setImmediate } from 'node:timers/promises';
import { DAY } from '../model/clock.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { ConnectParts } from './connect_dependencies.ts';

/** Events are kept for clients of WatchEvents. */
const EVENTS_KEPT = 30 * DAY;
/** A batch is one commit, which blocks other writers. Up to a hundred attempts are deleted with each authorization. */
const BATCH = 250;
const EVENT_BATCH = 1_000;

export interface PurgeParts extends Pick<ConnectParts, 'clock'> {
  readonly stores: Pick<Stores, 'authorizations' | 'adminConsents' | 'outbox'>;
}

/** Deletes expired authorizations, admin consents and events. */
export async function purgeExpired({ stores, clock }: PurgeParts): Promise<void> {
  const now = clock.now();
  await inBatches(BATCH, (limit) => stores.authorizations.sweep(now, limit));
  await inBatches(BATCH, (limit) => stores.adminConsents.sweep(now, limit));
  await inBatches(EVENT_BATCH, (limit) => stores.outbox.sweep(now - EVENTS_KEPT, limit));
}

/** Other work runs between two batches. */
async function inBatches(size: number, sweep: (limit: number) => Promise<number>): Promise<void> {
  while ((await sweep(size)) === size) await setImmediate();
}
