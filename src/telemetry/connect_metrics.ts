import { Counter, type Registry } from 'prom-client';

export function createConnectMetrics(registry: Registry) {
  const registers = [registry];
  const started = new Counter({
    name: 'tokenvault_authorizations_started_total',
    help: 'Consents that were begun.',
    registers,
  });
  const ended = new Counter({
    name: 'tokenvault_authorizations_ended_total',
    help: 'Consents that ended, by outcome: GRANTED or a reason.',
    labelNames: ['outcome'],
    registers,
  });
  const consentsStarted = new Counter({
    name: 'tokenvault_admin_consents_started_total',
    help: 'Consents of administrators that were begun: links that were made.',
    registers,
  });
  const consentsEnded = new Counter({
    name: 'tokenvault_admin_consents_ended_total',
    help: 'Answers about consents of administrators, by outcome: GRANTED or a reason.',
    labelNames: ['outcome'],
    registers,
  });
  const imports = new Counter({
    name: 'tokenvault_imports_total',
    help: 'Imported refresh tokens, by outcome: GRANTED or a reason.',
    labelNames: ['outcome'],
    registers,
  });
  return {
    authorizationStarted: () => started.inc(),
    authorizationEnded: (outcome: string) => ended.inc({ outcome }),
    adminConsentStarted: () => consentsStarted.inc(),
    adminConsentEnded: (outcome: string) => consentsEnded.inc({ outcome }),
    imported: (outcome: string) => imports.inc({ outcome }),
  };
}
