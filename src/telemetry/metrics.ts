import { Registry } from 'prom-client';
import { createAuditMetrics } from './audit_metrics.ts';
import { createConnectMetrics } from './connect_metrics.ts';
import { createEntraMetrics } from './entra_metrics.ts';
import { createEventGridMetrics } from './event_grid_metrics.ts';
import { createExpiryMetrics } from './expiry_metrics.ts';
import { createGraphMetrics } from './graph_metrics.ts';
import { createInventoryMetrics, type Inventory } from './inventory_metrics.ts';
import { createKeyVaultMetrics } from './keyvault_metrics.ts';
import { createLogMetrics } from './log_metrics.ts';
import type { ProcessLog } from './pino_log.ts';
import { createProcessMetrics } from './process_metrics.ts';
import type { Readiness } from './readiness.ts';
import { createReadinessMetrics } from './readiness_metrics.ts';
import { createRpcMetrics } from './rpc_metrics.ts';
import { createSinkMetrics } from './sink_metrics.ts';
import { createStorageMetrics } from './storage_metrics.ts';
import { createTokenMetrics } from './token_metrics.ts';

/**
 * All that the runbook asks for, in one registry a vault. Each room is handed the small face that it declares.
 * Histograms have no tenant label: tenants come and go, and their number has no bound.
 */
export function createMetrics() {
  const registry = new Registry();
  createProcessMetrics(registry);
  return {
    audit: createAuditMetrics(registry),
    connect: createConnectMetrics(registry),
    entra: createEntraMetrics(registry),
    eventGrid: createEventGridMetrics(registry),
    expiry: createExpiryMetrics(registry),
    graph: createGraphMetrics(registry),
    keyVault: createKeyVaultMetrics(registry),
    rpc: createRpcMetrics(registry),
    sinks: createSinkMetrics(registry),
    storage: createStorageMetrics(registry),
    tokens: createTokenMetrics(registry),
    /** What is counted by asking the store, once per scrape. */
    observe: (inventory: Inventory) => createInventoryMetrics(registry, inventory),
    observeLog: (log: Pick<ProcessLog, 'dropped'>) => createLogMetrics(registry, log),
    observeReadiness: (readiness: Pick<Readiness, 'ready'>) => createReadinessMetrics(registry, readiness),
    /** The text of `/metrics`. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
