import type { Timestamp } from '../model/clock.ts';
import type { VaultEvent } from '../model/vault_event.ts';

/** Metrics of published events and of the vault's own certificates and keys. */
export interface ExpiryMetrics {
  published(event: Pick<VaultEvent, 'type' | 'severity' | 'subject'>): void;
  /** The complete list: the metric drops missing ones. */
  vaultExpiries(all: readonly VaultExpiry[]): void;
}

export const silentExpiryMetrics: ExpiryMetrics = { published() {}, vaultExpiries() {} };

/** A certificate or key of the vault itself that expires. */
export interface VaultExpiry {
  readonly kind: 'TLS_CERTIFICATE' | 'API_KEY';
  /** `vault/tls-certificate`, `vault/callers/mail-sync/keys/2026` */
  readonly subject: string;
  readonly expireTime: Timestamp;
  /** Another key of the same caller is valid for longer. */
  readonly covered: boolean;
}
