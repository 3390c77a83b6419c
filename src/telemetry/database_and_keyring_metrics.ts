import { keptByLabel, type Meter } from './prometheus_meter.ts';

const BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1];

export function createStorageMetrics(meter: Meter) {
  const statements = meter.histogramOfSeries(
    'tokenvault_database_seconds',
    'Duration of database statements and commits.',
    BUCKETS,
    ['kind'],
  );
  const sealing = meter.histogramOfSeries(
    'tokenvault_seal_seconds',
    'Duration of sealing or opening one value, or of unwrapping a key.',
    BUCKETS,
    ['operation'],
  );
  const corrupt = meter.counter(
    'tokenvault_records_corrupt_total',
    'Sealed values that could not be opened, by cause.',
    ['cause'],
  );
  const statementOf = keptByLabel((kind) => statements({ kind }));
  const sealingOf = keptByLabel((operation) => sealing({ operation }));
  return {
    statement: (kind: string, milliseconds: number) => statementOf(kind).observe(milliseconds / 1_000),
    observe: (operation: string, milliseconds: number) => sealingOf(operation).observe(milliseconds / 1_000),
    corrupt: (cause: string) => corrupt.inc({ cause }),
  };
}
