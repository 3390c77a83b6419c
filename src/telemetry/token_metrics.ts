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
    help: 'Redeemed refresh tokens, by outcome and reason; each counts once, however often it was sent.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'tokenvault_refresh_seconds',
    help: 'Time that Entra took for a refresh, retries included.',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    registers,
  });
  const leaseLost = new Counter({
    name: 'tokenvault_lease_contention_total',
    help: 'A lease was held by somebody else.',
    registers,
  });
  const fenced = new Counter({
    name: 'tokenvault_fenced_total',
    help: 'Outcomes that came too late, since the grant was replaced meanwhile.',
    registers,
  });
  const recordRetried = new Counter({
    name: 'tokenvault_record_retries_total',
    help: 'Records of an exchange that had to be written again.',
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
    help: 'Refreshes ahead of time that failed; the old token goes on while it lives.',
    labelNames: ['reason'],
    registers,
  });
  const keptAlive = new Counter({
    name: 'tokenvault_keep_alive_total',
    help: 'Idle connections that were redeemed to keep them alive.',
    labelNames: ['outcome'],
    registers,
  });
  const nearEnd = new Gauge({
    name: 'tokenvault_connections_near_idle_end',
    help: 'Active connections whose refresh token dies within 15 days unless it is redeemed.',
    registers,
  });
  const storm = new Gauge({
    name: 'tokenvault_connections_held_in_storm',
    help: 'Connections held and not marked, because too many of their app fail alike.',
    registers,
  });
  const alerts = new Counter({
    name: 'tokenvault_token_alerts_total',
    help: 'Something that a person should look at.',
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
    nearIdleEnd: (count: number) => nearEnd.set(count),
    stormHeld: (count: number) => storm.set(count),
    alert: (topic: string) => alerts.inc({ topic }),
  };
}
