import { Counter, type Registry } from 'prom-client';

const OUTCOMES = [
  'accepted',
  'unreferenced',
  'replayed',
  'foreign',
  'foreign_type',
  'malformed',
  'failed',
  'unauthorized',
] as const;

export function createEventGridMetrics(registry: Registry) {
  const events = new Counter({
    name: 'tokenvault_event_grid_events_total',
    help: 'Events of Azure Event Grid, by outcome: accepted; unreferenced: no credential refers to the secret; replayed; foreign: of a key vault that is not allowed; foreign_type; malformed; failed: Event Grid sends it again. Requests without the key: unauthorized.',
    labelNames: ['outcome'],
    registers: [registry],
  });
  // A rate needs a series from its beginning, at 0.
  for (const outcome of OUTCOMES) events.inc({ outcome }, 0);
  return { heard: (outcome: (typeof OUTCOMES)[number], count = 1) => events.inc({ outcome }, count) };
}
