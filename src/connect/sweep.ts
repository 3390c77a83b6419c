import { DAY, HOUR } from '../model/clock.ts';
import type { Stores } from '../store/stores.ts';
import type { ConnectParts } from './connect_parts.ts';

/** Whoever tells events on has so long to do it. */
const EVENTS_KEPT = 30 * DAY;
/** Each is a commit, which others wait for. */
const BATCH = 1_000;

export interface SweepParts extends Pick<ConnectParts, 'clock'> {
  readonly stores: Pick<Stores, 'authorizations' | 'adminConsents' | 'outbox'>;
}

/** Deletes what is over, each hour; a sweep that failed is made up for by the next. */
export function startSweep(parts: SweepParts): { close(): void } {
  const sweeping = setInterval(() => sweep(parts).catch(() => {}), HOUR).unref();
  return { close: () => clearInterval(sweeping) };
}

export async function sweep({ stores, clock }: SweepParts): Promise<void> {
  const now = clock.now();
  await stores.authorizations.sweep(now);
  await stores.adminConsents.sweep(now);
  while ((await stores.outbox.sweep(now - EVENTS_KEPT, BATCH)) === BATCH);
}
