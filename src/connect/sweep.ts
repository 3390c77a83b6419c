import { HOUR } from '../model/clock.ts';
import type { ConnectParts } from './connect_parts.ts';

/** Deletes authorizations that are over, each hour; a sweep that failed is made up for by the next. */
export function startSweep({ stores, clock }: Pick<ConnectParts, 'stores' | 'clock'>): { close(): void } {
  const sweep = setInterval(() => stores.authorizations.sweep(clock.now()).catch(() => {}), HOUR).unref();
  return { close: () => clearInterval(sweep) };
}
