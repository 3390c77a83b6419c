/** A metric as the registry of prom-client reads it at a scrape. */
export interface ScrapedMetric {
  readonly name: string;
  readonly labelNames: readonly string[];
  get(): Promise<ScrapedValues>;
}

interface ScrapedValues {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly ScrapedValue[];
}

interface ScrapedValue {
  readonly metricName?: string;
  readonly labels: Labels;
  readonly value: number;
}

type Labels = Readonly<Record<string, string | number>>;

/** One series of a counter. */
export class CountedSeries {
  readonly labels: Labels;
  value = 0;

  constructor(labels: Labels) {
    this.labels = labels;
  }

  inc(count = 1): void {
    this.value += count;
  }
}

/** One series of a histogram. */
export class ObservedSeries {
  readonly labels: Labels;
  readonly bounds: readonly number[];
  /** Of the values up to each bound and above the bound before; the last one is of the values above all bounds. */
  readonly counts: number[];
  sum = 0;

  constructor(labels: Labels, bounds: readonly number[]) {
    this.labels = labels;
    this.bounds = bounds;
    this.counts = new Array(bounds.length + 1).fill(0);
  }

  observe(value: number): void {
    const { bounds, counts } = this;
    let at = 0;
    while (at < bounds.length && value > (bounds[at] as number)) at += 1;
    counts[at] = (counts[at] as number) + 1;
    this.sum += value;
  }
}

/** Scraped with the series that `all` has by then. */
export function scrapedCounter(
  name: string,
  help: string,
  labelNames: readonly string[],
  all: readonly CountedSeries[],
): ScrapedMetric {
  return { name, labelNames, get: async () => ({ name, help, type: 'counter', aggregator: 'sum', values: all }) };
}

/** Scraped with the series that `all` has by then. */
export function scrapedHistogram(
  name: string,
  help: string,
  labelNames: readonly string[],
  all: readonly ObservedSeries[],
): ScrapedMetric {
  return {
    name,
    labelNames,
    get: async () => ({ name, help, type: 'histogram', aggregator: 'sum', values: all.flatMap(valuesOf) }),
  };

  function valuesOf({ labels, bounds, counts, sum }: ObservedSeries): readonly ScrapedValue[] {
    let count = 0;
    const buckets = counts.map((own, at) => {
      count += own;
      return { metricName: `${name}_bucket`, labels: { le: bounds[at] ?? '+Inf', ...labels }, value: count };
    });
    return [
      ...buckets,
      { metricName: `${name}_sum`, labels, value: sum },
      { metricName: `${name}_count`, labels, value: count },
    ];
  }
}
