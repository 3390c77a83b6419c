import { Counter, type Registry } from 'prom-client';

const OUTCOMES = ['read', 'away', 'unusable'] as const;

export function createKeyVaultMetrics(registry: Registry) {
  const reads = new Counter({
    name: 'tokenvault_key_vault_reads_total',
    help: 'Client secrets that were asked of a key vault, by outcome: read; away, so that what was read before serves; unusable: gone, disabled, or no client secret.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  // A rate needs a series from its beginning, at 0.
  for (const outcome of OUTCOMES) reads.inc({ outcome }, 0);
  return { read: (outcome: (typeof OUTCOMES)[number]) => reads.inc({ outcome }) };
}
