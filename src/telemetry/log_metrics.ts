import { Counter, type Registry } from 'prom-client';
import type { ProcessLog } from './pino_log.ts';

export function createLogMetrics(registry: Registry, log: Pick<ProcessLog, 'dropped'>): void {
  new Counter({
    name: 'tokenvault_log_dropped_total',
    help: 'Lines of the log that were dropped because nobody read them.',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(log.dropped);
    },
  });
}
