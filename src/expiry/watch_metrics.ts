import type { VaultEvent } from '../model/event.ts';
import type { OwnEnd } from './own_ends.ts';

/** What the watch counts. */
export interface WatchMetrics {
  told(event: Pick<VaultEvent, 'type' | 'severity'>): void;
  /** All of them: one that is gone is told no more. */
  ownEnds(all: readonly OwnEnd[]): void;
}

export const silentWatchMetrics: WatchMetrics = { told() {}, ownEnds() {} };
