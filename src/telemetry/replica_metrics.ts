import type { Meter } from './prometheus_meter.ts';

/** Read at each scrape. */
export interface ReplicaFacts {
  /** Milliseconds since changes of other processes were read last. */
  readonly lag: () => number;
  readonly behind: () => boolean;
  readonly liveReplicas: () => Promise<number>;
}

export function createReplicaMetrics(meter: Meter, { lag, behind, liveReplicas }: ReplicaFacts): void {
  meter.observed(
    'tokenvault_changes_feed_lag_seconds',
    'Time since this process last read the changes of the others.',
    [],
    lag,
    (gauge, milliseconds) => gauge.set(milliseconds / 1_000),
  );
  meter.observed(
    'tokenvault_changes_feed_behind',
    '1 if changes of other processes do not arrive, so that each token request reads the database; else 0.',
    [],
    behind,
    (gauge, isBehind) => gauge.set(isBehind ? 1 : 0),
  );
  meter.observed(
    'tokenvault_replicas',
    'Processes that use the database, by their heartbeats of the last 30 seconds.',
    [],
    liveReplicas,
    (gauge, count) => gauge.set(count),
  );
}
