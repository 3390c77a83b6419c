import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export function createEntraMetrics(registry: Registry) {
  const registers = [registry];
  const exchanges = new Counter({
    name: 'tokenvault_exchanges_total',
    help: 'Requests to token endpoints, by what the answer meant (granted, or the kind of failure) and the reason.',
    labelNames: ['outcome', 'reason'],
    registers,
  });
  const duration = new Histogram({
    name: 'tokenvault_exchange_seconds',
    help: 'Time from sending a request to a token endpoint to its answer.',
    buckets: [0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8],
    registers,
  });
  const retries = new Counter({
    name: 'tokenvault_exchange_retries_total',
    help: 'Exchanges that were sent again.',
    registers,
  });
  const inFlight = new Gauge({ name: 'tokenvault_exchanges_in_flight', help: 'Exchanges under way.', registers });
  const waiting = new Gauge({ name: 'tokenvault_exchanges_waiting', help: 'Who waits for a pacing slot.', registers });
  const rejected = new Counter({
    name: 'tokenvault_exchanges_turned_away_total',
    help: 'Answered without a request to Entra, because of what is known already.',
    labelNames: ['reason'],
    registers,
  });
  const circuit = new Counter({
    name: 'tokenvault_circuit_opened_total',
    help: 'An app and directory were given a rest after failures of Entra.',
    registers,
  });
  const holds = new Counter({
    name: 'tokenvault_holds_total',
    help: 'Times that callers of an app, directory, resource or credential were refused locally from then on, by subject and reason.',
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
    help: 'Exchanges that were served by another credential than the preferred one, which was refused or could not be presented.',
    registers,
  });
  const unusable = new Counter({
    name: 'tokenvault_credentials_unusable_total',
    help: 'Nothing to present to Entra could be made of a credential: its file, key vault or private key was of no use.',
    registers,
  });
  const ledger = new Counter({
    name: 'tokenvault_ledger_failures_total',
    help: 'What was learned of an app could not be stored.',
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
    held: (subject: string, reason: string) => holds.inc({ subject, reason }),
    credentialRejected: (_appUid: string) => credentialsRejected.inc(),
    credentialFellBack: (_appUid: string) => fallbacks.inc(),
    credentialUnusable: (_appUid: string) => unusable.inc(),
    ledgerFailed: () => ledger.inc(),
  };
}
