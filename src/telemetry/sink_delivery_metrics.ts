import type { Meter } from './prometheus_meter.ts';

export function createSinkMetrics(meter: Meter) {
  const deliveries = meter.counter(
    'tokenvault_sink_deliveries_total',
    'Delivery attempts to a sink, by outcome: delivered, dead_lettered (given up after the last attempt), or the error.',
    ['sink', 'outcome'],
  );
  return {
    // A rate needs a series that begins at 0.
    started: (sink: string) => deliveries.inc({ sink, outcome: 'delivered' }, 0),
    delivered: (sink: string) => deliveries.inc({ sink, outcome: 'delivered' }),
    failed: (sink: string, why: string) => deliveries.inc({ sink, outcome: outcomeOf(why) }),
    deadLettered: (sink: string) => deliveries.inc({ sink, outcome: 'dead_lettered' }),
    observe(sinks: Sinks) {
      const observeState = (state: 'PENDING' | 'DEAD_LETTER', name: string, help: string) =>
        meter.observed(name, help, ['sink'], sinks.counts, (gauge, counts) => {
          gauge.reset();
          for (const sink of sinks.sinkIds()) gauge.set({ sink }, 0);
          for (const one of counts) if (one.state === state) gauge.set({ sink: one.sinkId }, one.count);
        });
      observeState(
        'PENDING',
        'tokenvault_sink_deliveries_pending',
        'Events waiting for their first or next delivery attempt.',
      );
      observeState(
        'DEAD_LETTER',
        'tokenvault_sink_dead_letters',
        'Events whose delivery was given up; kept until they are redelivered.',
      );
    },
  };
}

/** Groups HTTP statuses by class, because a receiver can answer any status and each would be a new series. */
function outcomeOf(why: string): string {
  return why.replace(/^HTTP (\d).*$/, 'http_$1xx');
}

/** Deliveries to the configured sinks. */
export interface Sinks {
  readonly sinkIds: () => readonly string[];
  counts(): Promise<
    readonly { readonly sinkId: string; readonly state: 'PENDING' | 'DEAD_LETTER'; readonly count: number }[]
  >;
}
