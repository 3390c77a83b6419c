import { setImmediate } from 'node:timers/promises';
import { DAY } from '../model/clock.ts';
import type { Stores } from '../store/stores.ts';
import type { ConnectParts } from './connect_parts.ts';

/** Whoever tells events on has so long to do it. */
const EVENTS_KEPT = 30 * DAY;
/** Each is a commit, which others wait for. With an authorization go its attempts, up to a hundred. */
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

/** Others come between two of them. */
async function inBatches(size: number, sweep: (limit: number) => Promise<number>): Promise<void> {
  while ((await sweep(size)) === size) await setImmediate();
}
