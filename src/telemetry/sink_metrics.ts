import { Counter, Gauge, type Registry } from 'prom-client';
import { orNothing } from './inventory_metrics.ts';

export function createSinkMetrics(registry: Registry) {
  const deliveries = new Counter({
    name: 'tokenvault_sink_deliveries_total',
    help: 'Tries to hand an event to a sink, by outcome: delivered, or why not; and events that were parked.',
    labelNames: ['sink', 'outcome'],
    registers: [registry],
  });
  return {
    delivered: (sink: string) => deliveries.inc({ sink, outcome: 'delivered' }),
    failed: (sink: string, why: string) => deliveries.inc({ sink, outcome: outcomeOf(why) }),
    parked: (sink: string) => deliveries.inc({ sink, outcome: 'parked' }),
    /** What waits is asked once per scrape. A rate needs a series from its beginning, at 0. */
    observe(sinks: Sinks) {
      for (const sink of sinks.sinkIds) deliveries.inc({ sink, outcome: 'delivered' }, 0);
      observeSinks(registry, sinks);
    },
  };
}

/** A receiver answers with whichever status it likes: each would be a series of its own. */
function outcomeOf(why: string): string {
  return why.replace(/^HTTP (\d).*$/, 'http_$1xx');
}

/** What lies between the vault and its sinks. */
export interface Sinks {
  readonly sinkIds: readonly string[];
  counts(): Promise<
    readonly { readonly sinkId: string; readonly state: 'WAITING' | 'PARKED'; readonly count: number }[]
  >;
}

function observeSinks(registry: Registry, sinks: Sinks): void {
  gaugeOf('WAITING', 'tokenvault_sink_waiting', 'Events that wait for their first or next try.');
  gaugeOf('PARKED', 'tokenvault_sink_parked', 'Events that a sink refused for so long that they were given up.');

  function gaugeOf(state: 'WAITING' | 'PARKED', name: string, help: string) {
    new Gauge({
      name,
      help,
      labelNames: ['sink'],
      registers: [registry],
      async collect() {
        const counts = await orNothing(sinks.counts());
        if (counts === undefined) return;
        this.reset();
        for (const sink of sinks.sinkIds) this.set({ sink }, 0);
        for (const one of counts) if (one.state === state) this.set({ sink: one.sinkId }, one.count);
      },
    });
  }
}
