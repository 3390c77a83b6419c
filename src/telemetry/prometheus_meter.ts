import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

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
  };
}

export type Meter = ReturnType<typeof createMeter>;

/** Caches the labelled children of a metric by key, because the lookup of a child costs more than the increment. */
export function cachedByLabel<Child>(make: (key: string) => Child): (key: string) => Child {
  const children = new Map<string, Child>();
  return (key) => {
    let child = children.get(key);
    if (child === undefined) {
      child = make(key);
      children.set(key, child);
    }
    return child;
  };
}
