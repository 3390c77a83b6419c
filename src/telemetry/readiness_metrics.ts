import { Gauge, type Registry } from 'prom-client';
import type { Readiness } from './readiness.ts';

/** What `/readyz` says, for whoever scrapes and does not probe. */
export function createReadinessMetrics(registry: Registry, readiness: Pick<Readiness, 'ready'>): void {
  new Gauge({
    name: 'tokenvault_ready',
    help: '1 while the vault can do its work: keys, database and audit log.',
    registers: [registry],
    collect() {
      this.set(readiness.ready ? 1 : 0);
    },
  });
}
