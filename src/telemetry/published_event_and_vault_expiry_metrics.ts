import type { AppProblems } from './app_problem_metrics.ts';
import type { Meter } from './prometheus_meter.ts';

interface PublishedEvent {
  readonly type: string;
  readonly severity: string;
  readonly subject: string;
}

export function createExpiryMetrics(meter: Meter, problems: Pick<AppProblems, 'seen'>) {
  const published = meter.counter(
    'tokenvault_events_published_total',
    'Events about credentials, idle connections and the vault itself that were written to the outbox, by type and severity; one each, however many sinks receive it.',
    ['type', 'severity'],
  );
  const expiries = meter.gauge(
    'tokenvault_vault_credential_expire_timestamp_seconds',
    'Expiry of the TLS certificates and API keys of the vault itself, in seconds since 1970.',
    ['kind', 'name'],
  );
  return {
    published({ type, severity, subject }: PublishedEvent) {
      published.inc({ type, severity });
      const problem = PROBLEMS.get(type);
      const [, tenantId, appId] = /^tenants\/([^/]+)\/apps\/([^/]+)/.exec(subject) ?? [];
      if (problem !== undefined && tenantId !== undefined && appId !== undefined)
        problems.seen({ tenantId, appId }, problem);
    },
    /** All of them: one that is missing is removed from the metric. */
    vaultExpiries(all: readonly { readonly kind: string; readonly subject: string; readonly expireTime: number }[]) {
      expiries.reset();
      for (const { kind, subject, expireTime } of all) expiries.set({ kind, name: subject }, expireTime / 1_000);
    },
  };
}

/** Of events about an app. */
const PROBLEMS: ReadonlyMap<string, string> = new Map([
  ['credential.unknown', 'credential_unknown'],
  ['credential.expiry_mismatch', 'expiry_mismatch'],
]);
