import { Counter, Gauge, Histogram, type Metric, type Registry } from 'prom-client';
import { CountedSeries, ObservedSeries, scrapedCounter, scrapedHistogram } from './plain_metrics.ts';

/** Creates the metrics of one registry. */
export function createMeter(registry: Registry) {
  const registers = [registry];
  return {
    counter<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) {
      return new Counter<Label>({ name, help, labelNames, registers });
    },

    /** Of the values of one label, with a series for each from the start, because a rate needs one that begins at 0. */
    outcomes<Outcome extends string>(name: string, help: string, outcomes: readonly Outcome[]) {
      const counter = new Counter({ name, help, labelNames: ['outcome'], registers });
      for (const outcome of outcomes) counter.inc({ outcome }, 0);
      return (outcome: Outcome, count = 1) => counter.inc({ outcome }, count);
    },

    gauge<Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) {
      return new Gauge<Label>({ name, help, labelNames, registers });
    },

    /**
     * A gauge that is read at each scrape. If `read` fails, the gauge keeps its values: one failing gauge must not fail
     * all of `/metrics`, least of all during a database outage.
     */
    observed<Label extends string, Value>(
      name: string,
      help: string,
      labelNames: readonly Label[],
      read: () => Value | Promise<Value>,
      set: (gauge: Gauge<Label>, value: Value) => void,
    ) {
      new Gauge<Label>({
        name,
        help,
        labelNames,
        registers,
        async collect() {
          try {
            set(this, await read());
          } catch {
            // The gauge keeps its values.
          }
        },
      });
    },

    histogram<Label extends string>(
      name: string,
      help: string,
      buckets: readonly number[],
      labelNames: readonly Label[] = [],
    ) {
      return new Histogram<Label>({ name, help, labelNames, buckets: [...buckets], registers });
    },

    /**
     * A counter of a hot path; the result makes its series, which the caller keeps. They are plain numbers until a
     * scrape, because prom-client hashes the labels at each count.
     */
    counterOfSeries<Label extends string>(name: string, help: string, labelNames: readonly Label[]) {
      const all: CountedSeries[] = [];
      registry.registerMetric(scrapedCounter(name, help, labelNames, all) as unknown as Metric);
      return (labels: Readonly<Record<Label, string>>) => kept(all, new CountedSeries(labels));
    },

    /** The same as a histogram. */
    histogramOfSeries<Label extends string>(
      name: string,
      help: string,
      buckets: readonly number[],
      labelNames: readonly Label[],
    ) {
      const all: ObservedSeries[] = [];
      registry.registerMetric(scrapedHistogram(name, help, labelNames, all) as unknown as Metric);
      return (labels: Readonly<Record<Label, string>>) => kept(all, new ObservedSeries(labels, buckets));
    },
  };
}

export type Meter = ReturnType<typeof createMeter>;

/** Keeps what belongs to each value of a label, such as its series. */
export function keptByLabel<Own>(make: (value: string) => Own): (value: string) => Own {
  const known = new Map<string, Own>();
  return (value) => {
    let own = known.get(value);
    if (own === undefined) {
      own = make(value);
      known.set(value, own);
    }
    return own;
  };
}

function kept<Series>(all: Series[], series: Series): Series {
  all.push(series);
  return series;
}
