import { Counter, Histogram, type Registry } from 'prom-client';
import { cachedByLabel } from './label_cache.ts';

const BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1];

export function createStorageMetrics(registry: Registry) {
  const registers = [registry];
  const statements = new Histogram({
    name: 'tokenvault_database_seconds',
    help: 'Time of database statements and commits.',
    labelNames: ['kind'],
    buckets: BUCKETS,
    registers,
  });
  const sealing = new Histogram({
    name: 'tokenvault_seal_seconds',
    help: 'Time to seal or open one value, or to unwrap a key.',
    labelNames: ['operation'],
    buckets: BUCKETS,
    registers,
  });
  const corrupt = new Counter({
    name: 'tokenvault_records_corrupt_total',
    help: 'Sealed values that did not open, by cause.',
    labelNames: ['cause'],
    registers,
  });
  const statementOf = cachedByLabel((kind) => statements.labels(kind));
  const sealingOf = cachedByLabel((operation) => sealing.labels(operation));
  return {
    statement: (kind: string, milliseconds: number) => statementOf(kind).observe(milliseconds / 1_000),
    observe: (operation: string, milliseconds: number) => sealingOf(operation).observe(milliseconds / 1_000),
    corrupt: (cause: string) => corrupt.inc({ cause }),
  };
}
