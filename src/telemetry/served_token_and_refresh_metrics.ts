import type { TokenSource } from '../model/access_token.ts';
import type { AppIds } from '../model/entra_app.ts';
import type { AppProblems } from './app_problem_metrics.ts';
import { keptByLabel, type Meter } from './prometheus_meter.ts';

export function createTokenMetrics(meter: Meter, problems: Pick<AppProblems, 'seen' | 'observeDeferred'>) {
  const served = meter.counterOfSeries('tokenvault_tokens_served_total', 'Access tokens that were served, by source.', [
    'source',
  ]);
  const servedFrom = keptByLabel((source) => served({ source }));
  const refreshes = meter.counter(
    'tokenvault_refreshes_total',
    'Refreshes of connections, by outcome and reason; a refresh counts once, with all its retries. tokenvault_exchanges_total counts each HTTP request.',
    ['outcome', 'reason'],
  );
  const duration = meter.histogram(
    'tokenvault_refresh_seconds',
    'Duration of a refresh at Entra, with all its retries. tokenvault_exchange_seconds measures each HTTP request.',
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
  );
  const leaseLost = meter.counter(
    'tokenvault_lease_contention_total',
    'Refresh leases that another replica or task held.',
  );
  const fenced = meter.counter(
    'tokenvault_refresh_fenced_total',
    'Refresh outcomes that were discarded, because the grant had been replaced in the meantime.',
  );
  const recordRetried = meter.counter(
    'tokenvault_refresh_record_retries_total',
    'Retried database writes of a refresh outcome.',
  );
  const lag = meter.histogram(
    'tokenvault_refresh_lag_seconds',
    'How long after its refresh time a token in use was replaced.',
    [1, 5, 15, 60, 300, 900, 1800, 3600],
  );
  const ahead = meter.counter(
    'tokenvault_refresh_ahead_failures_total',
    'Failed refreshes ahead of time; the old token is served while it is valid.',
    ['reason'],
  );
  const keptAlive = meter.counter(
    'tokenvault_keep_alive_total',
    'Idle connections that were redeemed to keep them alive.',
    ['outcome'],
  );
  const nearIdleExpiry = meter.gauge(
    'tokenvault_connections_near_idle_expiry',
    'Active connections whose refresh token expires within 15 days unless it is redeemed.',
  );
  const alerts = meter.counter(
    'tokenvault_token_alerts_total',
    'Findings about refreshes that an operator should investigate, by topic.',
    ['topic'],
  );
  return {
    served: (source: TokenSource) => servedFrom(source).inc(),
    exchange: (outcome: string, reason: string) => refreshes.inc({ outcome, reason }),
    exchangeDuration: (milliseconds: number) => duration.observe(milliseconds / 1_000),
    leaseLost: () => leaseLost.inc(),
    fenced: () => fenced.inc(),
    recordRetried: () => recordRetried.inc(),
    refreshLag: (milliseconds: number) => lag.observe(milliseconds / 1_000),
    refreshAheadFailed: (reason: string) => ahead.inc({ reason }),
    keptAlive: (outcome: 'ok' | 'failed') => keptAlive.inc({ outcome }),
    nearIdleExpiry: (count: number) => nearIdleExpiry.set(count),
    observeDeferred: problems.observeDeferred,
    alert(topic: string, app: AppIds) {
      alerts.inc({ topic });
      problems.seen(app, topic);
    },
  };
}
