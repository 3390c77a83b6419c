import type { Severity, VaultEvent } from '../model/vault_event.ts';
import type { Log, LogLevel } from '../telemetry/log_events.ts';
import type { ExpiryMetrics } from './published_event_and_vault_expiry_metrics.ts';

/** Reports an event that was stored in the outbox. */
export type ReportPublished = (event: VaultEvent) => void;

const LEVEL = { INFO: 'info', WARNING: 'warn', CRITICAL: 'warn' } as const satisfies Record<Severity, LogLevel>;

/** Logs and counts each event, for operators who use no other channel. */
export function createEventReporter({
  log,
  metrics,
}: {
  readonly log: Log;
  readonly metrics: ExpiryMetrics;
}): ReportPublished {
  return (event) => {
    const { uid, type, subject, severity } = event;
    log.event(LEVEL[severity], 'event_published', { id: uid, type, subject, severity, expireTime: expiryOf(event) });
    metrics.published(event);
  };
}

function expiryOf({ data }: VaultEvent): string {
  const end = 'expireTime' in data ? data.expireTime : 'idleExpireTime' in data ? data.idleExpireTime : undefined;
  return end === undefined ? '' : new Date(end).toISOString();
}
