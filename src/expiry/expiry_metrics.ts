import type { Timestamp } from '../model/clock.ts';
import type { VaultEvent } from '../model/event.ts';

/** What the watch counts. */
export interface WatchMetrics {
  published(event: Pick<VaultEvent, 'type' | 'severity'>): void;
  /** All of them: one that is missing is removed from the metric. */
  vaultExpiries(all: readonly OwnEnd[]): void;
}

export const silentWatchMetrics: WatchMetrics = { published() {}, vaultExpiries() {} };
/** Something that the vault itself runs by, and that ends. */
export interface OwnEnd {
  readonly kind: 'TLS_CERTIFICATE' | 'API_KEY';
  /** `vault/tls-certificate`, `vault/callers/mail-sync/keys/2026` */
  readonly subject: string;
  readonly expireTime: Timestamp;
  /** Another one of the same caller lives on beyond it. */
  readonly covered: boolean;
}
