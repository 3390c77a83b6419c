import type { Meter } from './prometheus_meter.ts';

export function createConnectMetrics(meter: Meter) {
  const started = meter.counter(
    'tokenvault_authorizations_started_total',
    'Authorizations of users that were started.',
  );
  const ended = meter.counter(
    'tokenvault_authorizations_ended_total',
    'Authorizations of users that completed, by outcome: GRANTED, CANCELLED (on the connect page) or a reason.',
    ['outcome'],
  );
  const consentsStarted = meter.counter(
    'tokenvault_admin_consents_started_total',
    'Admin consents that were started: links for administrators, those on error pages included, those of StartAuthorization not.',
  );
  const consentsEnded = meter.counter(
    'tokenvault_admin_consents_ended_total',
    'Admin consents that completed, by outcome: GRANTED or a reason.',
    ['outcome'],
  );
  const imports = meter.counter(
    'tokenvault_imports_total',
    'Imported refresh tokens, by outcome: GRANTED or a reason.',
    ['outcome'],
  );
  return {
    authorizationStarted: () => started.inc(),
    authorizationEnded: (outcome: string) => ended.inc({ outcome }),
    adminConsentStarted: () => consentsStarted.inc(),
    adminConsentEnded: (outcome: string) => consentsEnded.inc({ outcome }),
    imported: (outcome: string) => imports.inc({ outcome }),
  };
}
