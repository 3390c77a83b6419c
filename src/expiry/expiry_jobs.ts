import type { BatchJob } from '../background/batch_job.ts';
import type { Clock } from '../model/clock.ts';
import type { Stores } from '../store/stores.ts';
import type { Log } from '../telemetry/log.ts';
import { createEventReporter, type ReportPublished } from './event_reporter.ts';
import type { ExpiryMetrics } from './expiry_metrics.ts';
import { createIdleReminders } from './idle_connections.ts';
import { createReminders } from './reminders.ts';
import { createVaultExpiries, type VaultExpiriesParts } from './vault_expiries.ts';

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
