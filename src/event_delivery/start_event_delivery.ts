import { createJobLease } from '../background/job_lease.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import type { Sink } from '../model/event_sink.ts';
import { waitForAll } from '../model/wait_for_all.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import { enqueueDeliveries } from './enqueue_outbox_events_for_sink.ts';
import { createDeliveryWorker, type DeliveryMetrics } from './sink_delivery_worker.ts';
import { createDestinations } from './sink_destinations.ts';

export interface DeliveriesParts {
  readonly stores: Pick<Stores, 'outbox' | 'deliveries' | 'leases'>;
  /** As configured now. The same array as long as they are the same. */
  readonly sinks: () => readonly Sink[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: DeliveryMetrics;
  /** `source` of the CloudEvents: the vault's public URL, or `urn:tokenvault:{deployment}`. */
  readonly source: string;
  /** Random id of this process: the holder of the lease. */
  readonly replica: string;
  /** Between runs. Default 1 s. */
  readonly interval?: Duration | undefined;
  /** For requests in progress at the shutdown. Default 3 s. */
  readonly shutdownTimeout?: Duration | undefined;
}

export type Deliveries = ReturnType<typeof startDeliveries>;

/** Delivers the events of the outbox to the sinks: at least once, for 3 days, roughly in order. One replica delivers for all. */
export function startDeliveries(parts: DeliveriesParts) {
  const { stores, clock, log, interval = SECOND, shutdownTimeout = 3 * SECOND } = parts;
  const { deliveries } = stores;
  const lease = createJobLease(stores.leases, 'event_delivery', parts.replica);
  const stopping = new AbortController();
  const destinations = createDestinations(parts.sinks);
  /** Also of sinks that were removed: if one comes back, a delivery may still be in progress. */
  const workers = new Map<string, ReturnType<typeof createDeliveryWorker>>();
  const started = new Set<string>();
  const running = new Set<Promise<void>>();
  let closed = false;
  let hasFailed = false;

  function workerOf(sinkId: string) {
    const known = workers.get(sinkId);
    if (known !== undefined) return known;
    const destination = () => destinations.current().get(sinkId);
    const worker = createDeliveryWorker({
      ...parts,
      sinkId,
      destination,
      deliveries,
      lease,
      stopping: stopping.signal,
    });
    workers.set(sinkId, worker);
    return worker;
  }

  /** A new sink gets a cursor, so that it receives every event from now on, whichever replica delivers. */
  async function startSinks(sinks: readonly Sink[]): Promise<void> {
    for (const { id } of sinks) {
      if (started.has(id)) continue;
      await deliveries.cursor(id);
      started.add(id);
      parts.metrics.started(id);
    }
  }

  async function deliver(): Promise<void> {
    const sinks = [...destinations.current().values()].map(({ sink }) => sink);
    await startSinks(sinks);
    if ((await lease.acquire()) === undefined || closed) return;
    await waitForAll(
      sinks.map(async (sink) => {
        await enqueueDeliveries(sink, { stores, clock });
        await workerOf(sink.id).drain();
      }),
    );
  }

  /** Delivers what is due if this replica has the lease. Resolves when that is done, which a slow sink can delay. */
  function runOnce(): Promise<void> {
    if (closed || destinations.current().size === 0) return Promise.resolve();
    const run = deliver().finally(() => running.delete(run));
    running.add(run);
    return run;
  }

  // Runs may overlap: while a slow sink delays one, the next ones serve the other sinks.
  const timer = setInterval(async () => {
    try {
      await runOnce();
      hasFailed = false;
    } catch (error) {
      // Logged once, not each second: the health check reports an unavailable database.
      if (!hasFailed) log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) });
      hasFailed = true;
    }
  }, interval).unref();

  return {
    runOnce,
    /** Waits briefly for requests in progress, then aborts them; the next replica sends them again. */
    async close(): Promise<void> {
      closed = true;
      clearInterval(timer);
      const timeout = setTimeout(() => stopping.abort(), shutdownTimeout);
      lease.stop();
      await Promise.allSettled(running);
      clearTimeout(timeout);
      await destinations.close();
      // It expires by itself.
      await lease.release().catch(() => {});
    },
  };
}
