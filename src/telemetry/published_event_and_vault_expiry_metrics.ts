import type { Meter } from './prometheus_meter.ts';

export function createExpiryMetrics(meter: Meter) {
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
    published: ({ type, severity }: { readonly type: string; readonly severity: string }) =>
      published.inc({ type, severity }),
    /** All of them: one that is missing is removed from the metric. */
    vaultExpiries(all: readonly { readonly kind: string; readonly subject: string; readonly expireTime: number }[]) {
      expiries.reset();
      for (const { kind, subject, expireTime } of all) expiries.set({ kind, name: subject }, expireTime / 1_000);
    },
  };
}
