import type { Meter } from './prometheus_meter.ts';

export function createAuditMetrics(meter: Meter) {
  const entries = meter.counterOfSeries(
    'tokenvault_audit_entries_total',
    'Entries that were written to the audit log.',
    [],
  )({});
  const write = meter.histogramOfSeries(
    'tokenvault_audit_write_seconds',
    'Duration of the write of one group of audit entries.',
    [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1],
    [],
  )({});
  const writable = meter.gauge(
    'tokenvault_audit_writable',
    '1 if the audit log can be written; if 0, no token is served.',
  );
  const alerts = meter.counter(
    'tokenvault_audit_alerts_total',
    'Damage to the audit log, and failed writes, syncs and checkpoints of it, by topic.',
    ['topic'],
  );
  return {
    group(count: number, seconds: number) {
      entries.inc(count);
      write.observe(seconds);
    },
    writable: (is: boolean) => writable.set(is ? 1 : 0),
    alert: (topic: string) => alerts.inc({ topic }),
  };
}
