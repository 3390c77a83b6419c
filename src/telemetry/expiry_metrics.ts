import { Counter, Gauge, type Registry } from 'prom-client';

export function createExpiryMetrics(registry: Registry) {
  const registers = [registry];
  const told = new Counter({
    name: 'tokenvault_events_told_total',
    help: 'Reminders of ends that were written to the outbox, by type and severity; each counts once, however often and whomever it is sent.',
    labelNames: ['type', 'severity'],
    registers,
  });
  const ends = new Gauge({
    name: 'tokenvault_own_expire_timestamp_seconds',
    help: 'The end of what the vault itself runs by (TLS certificates, API keys), in seconds since 1970.',
    labelNames: ['kind', 'name'],
    registers,
  });
  return {
    told: ({ type, severity }: { readonly type: string; readonly severity: string }) => told.inc({ type, severity }),
    /** All of them: one that is gone is told no more. */
    ownEnds(all: readonly { readonly kind: string; readonly subject: string; readonly expireTime: number }[]) {
      ends.reset();
      for (const { kind, subject, expireTime } of all) ends.set({ kind, name: subject }, expireTime / 1_000);
    },
  };
}
