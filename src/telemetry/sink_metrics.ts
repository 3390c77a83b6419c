import { Counter, Gauge, type Registry } from 'prom-client';
import { orNothing } from './inventory_metrics.ts';

export function createSinkMetrics(registry: Registry) {
  const deliveries = new Counter({
    name: 'tokenvault_sink_deliveries_total',
    help: 'Delivery attempts to a sink, by outcome: delivered, dead_lettered (given up after the last attempt), or the error.',
    labelNames: ['sink', 'outcome'],
    registers: [registry],
  });
  return {
    delivered: (sink: string) => deliveries.inc({ sink, outcome: 'delivered' }),
    failed: (sink: string, why: string) => deliveries.inc({ sink, outcome: outcomeOf(why) }),
    deadLettered: (sink: string) => deliveries.inc({ sink, outcome: 'dead_lettered' }),
    /** The gauges are read once per scrape. A rate needs a series from its beginning, at 0. */
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

/** Deliveries to the configured sinks. */
export interface Sinks {
  readonly sinkIds: readonly string[];
  counts(): Promise<
    readonly { readonly sinkId: string; readonly state: 'PENDING' | 'DEAD_LETTER'; readonly count: number }[]
  >;
}

function observeSinks(registry: Registry, sinks: Sinks): void {
  gaugeOf('PENDING', 'tokenvault_sink_deliveries_pending', 'Events waiting for their first or next delivery attempt.');
  gaugeOf(
    'DEAD_LETTER',
    'tokenvault_sink_dead_letters',
    'Events whose delivery was given up; kept until they are redelivered.',
  );

  function gaugeOf(state: 'PENDING' | 'DEAD_LETTER', name: string, help: string) {
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
