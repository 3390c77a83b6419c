import type { BatchJob } from '../background/batch_job.ts';
import type { Clock } from '../model/clock.ts';
import type { Stores } from '../store/store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import { createReminders } from './credential_expiry_reminders.ts';
import { createIdleReminders } from './idle_connection_reminders.ts';
import { createEventReporter, type ReportPublished } from './log_and_count_published_events.ts';
import type { ExpiryMetrics } from './published_event_and_vault_expiry_metrics.ts';
import { createVaultExpiries, type VaultExpiriesParts } from './vault_certificate_and_key_reminders.ts';

export interface ExpiryJobsParts extends Pick<VaultExpiriesParts, 'tls' | 'apiKeys'> {
  readonly stores: Pick<Stores, 'expiry' | 'kekAge' | 'kekReminded'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: ExpiryMetrics;
  /** Days before an expiry: for tenants without thresholds of their own, and for the vault itself. */
  readonly thresholds: readonly number[];
}

/** The jobs that publish events of expiring credentials, idle connections, and the vault's own certificates and keys. */
export interface ExpiryJobs {
  readonly jobs: readonly BatchJob[];
  /** For the certificate files of this replica. */
  readonly localJob: () => Promise<void>;
  readonly reportPublished: ReportPublished;
}

export function createExpiryJobs(parts: ExpiryJobsParts): ExpiryJobs {
  const reportPublished = createEventReporter(parts);
  const common = { ...parts, expiry: parts.stores.expiry, reportPublished };
  const vaultExpiries = createVaultExpiries({ ...common, kek: parts.stores });
  return {
    jobs: [createReminders(common), createIdleReminders(common)],
    localJob: () => vaultExpiries.publishDue(),
    reportPublished,
  };
}
