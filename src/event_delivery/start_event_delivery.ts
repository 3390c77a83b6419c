import { createJobLease } from '../background/job_lease.ts';
import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import type { Sink } from '../model/event_sink.ts';
import { waitForAll } from '../model/wait_for_all.ts';
import type { Stores } from '../store/store_interfaces.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import { enqueueDeliveries } from './enqueue_outbox_events_for_sink.ts';
import { createDeliveryWorker, type DeliveryMetrics } from './sink_delivery_worker.ts';
import { createWebhookClient } from './webhook_client.ts';

export interface DeliveriesParts {
  readonly stores: Pick<Stores, 'outbox' | 'deliveries' | 'leases'>;
  readonly sinks: readonly Sink[];
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
  const workers = parts.sinks.map((sink) => {
    const client = createWebhookClient(sink.url);
    const worker = createDeliveryWorker({ ...parts, sink, client, deliveries, lease, stopping: stopping.signal });
    return { sink, client, worker };
  });
  const running = new Set<Promise<void>>();
  let closed = false;
  let hasFailed = false;

  async function deliver(): Promise<void> {
    if ((await lease.acquire()) === undefined || closed) return;
    await waitForAll(
      workers.map(async ({ sink, worker }) => {
        await enqueueDeliveries(sink, { stores, clock });
        await worker.drain();
      }),
    );
  }

  /** Delivers what is due if this replica has the lease. Resolves when that is done, which a slow sink can delay. */
  function runOnce(): Promise<void> {
    if (closed || workers.length === 0) return Promise.resolve();
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
      await Promise.all(workers.map(({ client }) => client.close()));
      // It expires by itself.
      await lease.release().catch(() => {});
    },
  };
}
