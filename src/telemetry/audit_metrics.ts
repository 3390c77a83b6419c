import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export function createAuditMetrics(registry: Registry) {
  const registers = [registry];
  const entries = new Counter({
    name: 'tokenvault_audit_entries_total',
    help: 'Entries written to the audit log.',
    registers,
  });
  const write = new Histogram({
    name: 'tokenvault_audit_write_seconds',
    help: 'Time to write one group of audit entries.',
    buckets: [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 1],
    registers,
  });
  const writable = new Gauge({
    name: 'tokenvault_audit_writable',
    help: '1 while the audit log can be written; at 0 no token leaves.',
    registers,
  });
  const alerts = new Counter({
    name: 'tokenvault_audit_alerts_total',
    help: 'The audit log was found torn or cut, or a write, sync or checkpoint failed.',
    labelNames: ['topic'],
    registers,
  });
  return {
    group(count: number, seconds: number) {
      entries.inc(count);
      write.observe(seconds);
    },
    writable: (is: boolean) => writable.set(is ? 1 : 0),
    alert: (topic: string) => alerts.inc({ topic }),
  };
}
