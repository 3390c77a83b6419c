import type { AppIds } from '../model/entra_app.ts';
import type { AppProblems } from './app_problem_metrics.ts';
import type { Meter } from './prometheus_meter.ts';

export function createEntraMetrics(meter: Meter, problems: Pick<AppProblems, 'seen'>) {
  const exchanges = meter.counter(
    'tokenvault_exchanges_total',
    'HTTP requests to token endpoints (refreshes, authorization codes, app tokens, probes; each retry counts), by outcome (granted, or the failure kind) and reason.',
    ['outcome', 'reason'],
  );
  const duration = meter.histogram(
    'tokenvault_exchange_seconds',
    'Duration of one HTTP request to a token endpoint.',
    [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
  );
  const retries = meter.counter('tokenvault_exchange_retries_total', 'Retried token requests.');
  const inFlight = meter.gauge('tokenvault_exchanges_in_flight', 'Token requests in progress.');
  const waiting = meter.gauge('tokenvault_exchanges_waiting', 'Token requests waiting for a concurrency slot.');
  const waited = meter.counter(
    'tokenvault_exchanges_waited_total',
    'Token requests that found no free concurrency slot. By kind: regular, or forced by a caller that wants another token than the valid one that is stored.',
    ['kind'],
  );
  for (const kind of ['regular', 'forced']) waited.inc({ kind }, 0);
  const rejected = meter.counter(
    'tokenvault_exchanges_rejected_total',
    'Token requests that were rejected without contacting Entra, by reason: a concurrency limit, an open circuit, a cooldown, or a known failure.',
    ['reason'],
  );
  const circuit = meter.counter(
    'tokenvault_circuit_opened_total',
    'Circuit breakers that opened after failures of Entra, for one app in one directory.',
  );
  const cooldowns = meter.counter(
    'tokenvault_cooldowns_total',
    'Cooldowns that started: calls are rejected locally until one ends. By subject (app, directory, resource_in_directory, credential) and reason.',
    ['subject', 'reason'],
  );
  const credentialsRejected = meter.counter(
    'tokenvault_credentials_rejected_total',
    'Credentials of apps that Entra rejected.',
  );
  const fallbacks = meter.counter(
    'tokenvault_credential_fallbacks_total',
    'Token requests that succeeded with a fallback credential, because the preferred one was rejected or could not be presented.',
  );
  const unusable = meter.counter(
    'tokenvault_credentials_unusable_total',
    'Credentials that could not be presented to Entra, because of their file, key vault or private key.',
  );
  const writeFailures = meter.counter(
    'tokenvault_app_state_write_failures_total',
    'State of an app or of its credentials that could not be written to the database.',
  );
  return {
    exchange(outcome: string, reason: string, seconds: number) {
      exchanges.inc({ outcome, reason });
      duration.observe(seconds);
    },
    retry: () => retries.inc(),
    inFlight: (count: number) => inFlight.set(count),
    waiting: (count: number) => waiting.set(count),
    waited: (kind: 'regular' | 'forced') => waited.inc({ kind }),
    rejected: (reason: string) => rejected.inc({ reason }),
    circuitOpened: () => circuit.inc(),
    cooldownStarted: (subject: string, reason: string) => cooldowns.inc({ subject, reason }),
    /** Other reasons, such as a missing consent, are for the administrator of the directory. */
    failsInDirectory(app: AppIds, reason: string) {
      if (reason.startsWith('APP_')) problems.seen(app, 'failing_in_directory');
    },
    credentialRejected(app: AppIds) {
      credentialsRejected.inc();
      problems.seen(app, 'credential_rejected');
    },
    credentialFellBack(app: AppIds) {
      fallbacks.inc();
      problems.seen(app, 'credential_fallback');
    },
    credentialUnusable(app: AppIds) {
      unusable.inc();
      problems.seen(app, 'credential_unusable');
    },
    appStateWriteFailed: () => writeFailures.inc(),
  };
}
