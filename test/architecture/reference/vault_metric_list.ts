/** Every metric of the vault itself, from the registry that `/metrics` shows. */
import type { Registry } from 'prom-client';
import { createMetrics } from '../../../src/telemetry/vault_metrics.ts';
import { LABEL_VALUES } from './metric_labels.ts';

export interface VaultMetric {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labels: readonly VaultMetricLabel[];
}

export interface VaultMetricLabel {
  readonly name: string;
  /** Empty without a closed list. */
  readonly values: readonly string[];
}

export async function vaultMetrics(): Promise<VaultMetric[]> {
  const registry = registryOfAll();
  const metrics = await registry.getMetricsAsJSON();
  return metrics
    .filter(({ name }) => name.startsWith('tokenvault_'))
    .map(({ name, type, help, values }) => ({
      name,
      type: String(type),
      help,
      labels: labelNamesOf(registry, name).map((label) => ({
        name: label,
        values:
          LABEL_VALUES[name]?.[label] ?? [...new Set(values.flatMap(({ labels }) => labels[label] ?? []))].map(String),
      })),
    }))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));
}

/** With the metrics that are read at each scrape, of a vault without anything. */
function registryOfAll(): Registry {
  const metrics = createMetrics();
  metrics.observe({
    connectionsByState: async () => ({}),
    credentialExpiries: async () => [],
    rotations: async () => [],
  });
  const none = async () => ({ rows: [], total: 0 });
  metrics.appProblems.observe({ failing: none, unfinishedRotations: none });
  metrics.tokens.observeDeferred(() => []);
  metrics.observeSettingsFiles(() => []);
  metrics.observeClientCas({ isRejected: () => false });
  metrics.observeCallersFile({ sha256: () => undefined, isRejected: () => false });
  metrics.observeTokenIssuers(() => []);
  metrics.observeContainments(() => []);
  metrics.observeLog({ dropped: 0 });
  metrics.observeReplicas({ lag: () => 0, behind: () => false, liveReplicas: async () => 1 });
  metrics.observeUsage({ size: 0 });
  metrics.observeReadiness({ ready: true });
  metrics.sinks.observe({ sinkIds: () => [], counts: async () => [] });
  return metrics.registry;
}

/** The types of prom-client do not have the names. */
function labelNamesOf(registry: Registry, name: string): readonly string[] {
  const { labelNames } = registry.getSingleMetric(name) as unknown as { readonly labelNames: readonly string[] };
  return labelNames;
}
