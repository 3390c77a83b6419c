import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export function createTokenMetrics(registry: Registry) {
  const registers = [registry];
  const served = new Counter({
    name: 'tokenvault_tokens_served_total',
    help: 'Access tokens handed out, by where they came from.',
    labelNames: ['source'],
    registers,
  });
  // Children are kept: looking one up costs more than counting.
  const bySource = {
    CACHE: served.labels('CACHE'),
    DATABASE: served.labels('DATABASE'),
    ENTRA: served.labels('ENTRA'),
  } as const;
  const refreshes = new Counter({
    name: 'tokenvault_refreshes_total',
    help: 'Refreshes of connections, by outcome and reason; a refresh counts once, with all its retries. tokenvault_exchanges_total counts each HTTP request.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'tokenvault_refresh_seconds',
    help: 'Duration of a refresh at Entra, with all its retries. tokenvault_exchange_seconds measures each HTTP request.',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    registers,
  });
  const leaseLost = new Counter({
    name: 'tokenvault_lease_contention_total',
    help: 'Refresh leases that another replica or task held.',
    registers,
  });
  const fenced = new Counter({
    name: 'tokenvault_refresh_fenced_total',
    help: 'Refresh outcomes that were discarded, because the grant had been replaced in the meantime.',
    registers,
  });
  const recordRetried = new Counter({
    name: 'tokenvault_refresh_record_retries_total',
    help: 'Retried database writes of a refresh outcome.',
    registers,
  });
  const lag = new Histogram({
    name: 'tokenvault_refresh_lag_seconds',
    help: 'How long after its refresh time a token in use was replaced.',
    buckets: [1, 5, 15, 60, 300, 900, 1800, 3600],
    registers,
  });
  const ahead = new Counter({
    name: 'tokenvault_refresh_ahead_failures_total',
    help: 'Failed refreshes ahead of time; the old token is served while it is valid.',
    labelNames: ['reason'],
    registers,
  });
  const keptAlive = new Counter({
    name: 'tokenvault_keep_alive_total',
    help: 'Idle connections that were redeemed to keep them alive.',
    labelNames: ['outcome'],
    registers,
  });
  const nearIdleExpiry = new Gauge({
    name: 'tokenvault_connections_near_idle_expiry',
    help: 'Active connections whose refresh token expires within 15 days unless it is redeemed.',
    registers,
  });
  const deferred = new Gauge({
    name: 'tokenvault_connections_state_deferred',
    help: 'Connections whose state change is deferred, because too many connections of the app fail the same way.',
    registers,
  });
  const alerts = new Counter({
    name: 'tokenvault_token_alerts_total',
    help: 'Findings about refreshes that an operator should investigate, by topic.',
    labelNames: ['topic'],
    registers,
  });
  return {
    served: (source: keyof typeof bySource) => bySource[source].inc(),
    exchange: (outcome: string, reason: string) => refreshes.inc({ outcome, reason }),
    exchangeDuration: (milliseconds: number) => duration.observe(milliseconds / 1_000),
    leaseLost: () => leaseLost.inc(),
    fenced: () => fenced.inc(),
    recordRetried: () => recordRetried.inc(),
    refreshLag: (milliseconds: number) => lag.observe(milliseconds / 1_000),
    refreshAheadFailed: (reason: string) => ahead.inc({ reason }),
    keptAlive: (outcome: 'ok' | 'failed') => keptAlive.inc({ outcome }),
    nearIdleExpiry: (count: number) => nearIdleExpiry.set(count),
    stateDeferred: (count: number) => deferred.set(count),
    alert: (topic: string) => alerts.inc({ topic }),
  };
}
