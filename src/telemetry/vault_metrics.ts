import { Counter, collectDefaultMetrics, Registry } from 'prom-client';
import { type Clock, systemClock } from '../model/clock.ts';
import type { Containment } from '../model/containment.ts';
import { createAppProblemMetrics } from './app_problem_metrics.ts';
import { createAuditMetrics } from './audit_log_metrics.ts';
import { createConnectMetrics } from './authorization_and_import_metrics.ts';
import {
  type CallersFileFacts,
  createCallersFileMetrics,
  createTokenIssuerMetrics,
  type TokenIssuerFaults,
} from './callers_file_metrics.ts';
import { type ClientCaFacts, createClientCaMetrics } from './client_ca_metrics.ts';
import { createContainmentMetrics } from './containment_metrics.ts';
import { createStorageMetrics } from './database_and_keyring_metrics.ts';
import { createInventoryMetrics, type Inventory } from './database_inventory_metrics.ts';
import { createEntraMetrics } from './entra_token_endpoint_metrics.ts';
import { createKeyRotationMetrics } from './key_rotation_metrics.ts';
import { createMeter } from './prometheus_meter.ts';
import { createExpiryMetrics } from './published_event_and_vault_expiry_metrics.ts';
import type { Readiness } from './readiness_checks.ts';
import { createReplicaMetrics, type ReplicaFacts } from './replica_metrics.ts';
import { createRpcMetrics } from './rpc_metrics.ts';
import { createTokenMetrics } from './served_token_and_refresh_metrics.ts';
import { createSettingsFileMetrics, type SettingsFileFacts } from './settings_file_metrics.ts';
import { createSinkMetrics } from './sink_delivery_metrics.ts';
import type { ProcessLog } from './stderr_json_log.ts';

/**
 * All metrics of one vault, by the folder that records them. Histograms have no tenant label, because the number of
 * tenants has no bound.
 */
export function createMetrics(clock: Clock = systemClock) {
  const registry = new Registry();
  const meter = createMeter(registry);
  // Memory, CPU, event-loop lag and garbage collection of the process.
  collectDefaultMetrics({ register: registry });
  const graphRequests = meter.counter(
    'tokenvault_graph_requests_total',
    'Microsoft Graph requests for app registrations, by operation and outcome: the result (registered, added, …), or the error (forbidden, refused, unavailable, …).',
    ['operation', 'outcome'],
  );
  const appProblems = createAppProblemMetrics(meter, clock);
  return {
    appProblems: { observe: appProblems.observe },
    audit: createAuditMetrics(meter),
    connect: createConnectMetrics(meter),
    entra: createEntraMetrics(meter, appProblems),
    eventGrid: {
      received: meter.outcomes(
        'tokenvault_event_grid_events_total',
        'Events of Azure Event Grid, by outcome: accepted; unreferenced: no credential refers to the secret; replayed; foreign: of a key vault that is not allowed; foreign_type; malformed; failed: Event Grid sends it again. Requests without the key: unauthorized.',
        ['accepted', 'unreferenced', 'replayed', 'foreign', 'foreign_type', 'malformed', 'failed', 'unauthorized'],
      ),
    },
    expiry: createExpiryMetrics(meter, appProblems),
    graph: { requested: (operation: string, outcome: string) => graphRequests.inc({ operation, outcome }) },
    keyVault: {
      read: meter.outcomes(
        'tokenvault_key_vault_reads_total',
        'Reads of client secrets from key vaults, by outcome: read; unavailable: the value read before is used; unusable: gone, disabled, or not a client secret.',
        ['read', 'unavailable', 'unusable'],
      ),
    },
    keyRotation: createKeyRotationMetrics(meter),
    rpc: createRpcMetrics(meter),
    sinks: createSinkMetrics(meter),
    storage: createStorageMetrics(meter),
    tokens: createTokenMetrics(meter, appProblems),

    /** Adds the metrics that are read at each scrape. */
    observe: (inventory: Inventory) => createInventoryMetrics(meter, inventory),
    observeClientCas: (facts: ClientCaFacts) => createClientCaMetrics(meter, facts),
    observeCallersFile: (facts: CallersFileFacts) => createCallersFileMetrics(meter, facts),
    observeSettingsFiles: (facts: SettingsFileFacts) => createSettingsFileMetrics(meter, facts),
    observeTokenIssuers: (faults: TokenIssuerFaults) => createTokenIssuerMetrics(meter, faults),
    observeContainments: (list: () => readonly Containment[]) => createContainmentMetrics(meter, list),
    observeLog(log: Pick<ProcessLog, 'dropped'>) {
      new Counter({
        name: 'tokenvault_log_dropped_total',
        help: 'Log lines that were dropped because their reader did not keep up.',
        registers: [registry],
        collect() {
          this.reset();
          this.inc(log.dropped);
        },
      });
    },
    observeReplicas: (facts: ReplicaFacts) => createReplicaMetrics(meter, facts),
    observeUsage(notes: { readonly size: number }) {
      meter.observed(
        'tokenvault_usage_notes_pending',
        'Times of use of connections and callers that wait to be written, once a minute.',
        [],
        () => notes.size,
        (gauge, size) => gauge.set(size),
      );
    },
    observeReadiness(readiness: Pick<Readiness, 'ready'>) {
      meter.observed(
        'tokenvault_ready',
        '1 if the keys, the database and the audit log work, as in /readyz; else 0.',
        [],
        () => readiness.ready,
        (gauge, ready) => gauge.set(ready ? 1 : 0),
      );
    },

    /** What the metrics are; for docs/metrics.md. */
    registry,
    /** The text of `/metrics`. */
    text: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

export type Metrics = ReturnType<typeof createMetrics>;
