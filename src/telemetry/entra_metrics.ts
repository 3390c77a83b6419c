import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export function createEntraMetrics(registry: Registry) {
  const registers = [registry];
  const exchanges = new Counter({
    name: 'tokenvault_exchanges_total',
    help: 'HTTP requests to token endpoints (refreshes, authorization codes, app tokens, probes; each retry counts), by outcome (granted, or the failure kind) and reason.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'tokenvault_exchange_seconds',
    help: 'Duration of one HTTP request to a token endpoint.',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    registers,
  });
  const retries = new Counter({
    name: 'tokenvault_exchange_retries_total',
    help: 'Retried token requests.',
    registers,
  });
  const inFlight = new Gauge({
    name: 'tokenvault_exchanges_in_flight',
    help: 'Token requests in progress.',
    registers,
  });
  const waiting = new Gauge({
    name: 'tokenvault_exchanges_waiting',
    help: 'Token requests waiting for a concurrency slot.',
    registers,
  });
  const rejected = new Counter({
    name: 'tokenvault_exchanges_rejected_total',
    help: 'Token requests that were rejected without contacting Entra, by reason: a concurrency limit, an open circuit, a cooldown, or a known failure.',
    labelNames: ['reason'],
    registers,
  });
  const circuit = new Counter({
    name: 'tokenvault_circuit_opened_total',
    help: 'Circuit breakers that opened after failures of Entra, for one app in one directory.',
    registers,
  });
  const cooldowns = new Counter({
    name: 'tokenvault_cooldowns_total',
    help: 'Cooldowns that started: calls are rejected locally until one ends. By subject (app, directory, resource_in_directory, credential) and reason.',
    labelNames: ['subject', 'reason'],
    registers,
  });
  const credentialsRejected = new Counter({
    name: 'tokenvault_credentials_rejected_total',
    help: 'Entra refused a credential of an app.',
    registers,
  });
  const fallbacks = new Counter({
    name: 'tokenvault_credential_fallbacks_total',
    help: 'Token requests that succeeded with a fallback credential, because the preferred one was rejected or could not be presented.',
    registers,
  });
  const unusable = new Counter({
    name: 'tokenvault_credentials_unusable_total',
    help: 'Credentials that could not be presented to Entra, because of their file, key vault or private key.',
    registers,
  });
  const writeFailures = new Counter({
    name: 'tokenvault_app_state_write_failures_total',
    help: 'State of an app or of its credentials that could not be written to the database.',
    registers,
  });
  return {
    exchange(outcome: string, reason: string, seconds: number) {
      exchanges.inc({ outcome, reason });
      duration.observe(seconds);
    },
    retry: () => retries.inc(),
    inFlight: (count: number) => inFlight.set(count),
    waiting: (count: number) => waiting.set(count),
    rejected: (reason: string) => rejected.inc({ reason }),
    circuitOpened: () => circuit.inc(),
    cooldownStarted: (subject: string, reason: string) => cooldowns.inc({ subject, reason }),
    credentialRejected: (_appUid: string) => credentialsRejected.inc(),
    credentialFellBack: (_appUid: string) => fallbacks.inc(),
    credentialUnusable: (_appUid: string) => unusable.inc(),
    appStateWriteFailed: () => writeFailures.inc(),
  };
}
