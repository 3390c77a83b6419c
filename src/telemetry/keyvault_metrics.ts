import { Counter, type Registry } from 'prom-client';

const OUTCOMES = ['read', 'unavailable', 'unusable'] as const;

export function createKeyVaultMetrics(registry: Registry) {
  const reads = new Counter({
    name: 'tokenvault_key_vault_reads_total',
    help: 'Reads of client secrets from key vaults, by outcome: read; unavailable: the value read before is used; unusable: gone, disabled, or no client secret.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  // A rate needs a series from its beginning, at 0.
  for (const outcome of OUTCOMES) reads.inc({ outcome }, 0);
  return { read: (outcome: (typeof OUTCOMES)[number]) => reads.inc({ outcome }) };
}
