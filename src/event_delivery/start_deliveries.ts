import { type Clock, type Duration, SECOND } from '../model/clock.ts';
import type { Sink } from '../model/sink.ts';
import type { Stores } from '../store/stores.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log.ts';
import { createDeliveryLease } from './delivery_lease.ts';
import type { SinkMetrics } from './delivery_metrics.ts';
import { createDeliveryWorker } from './delivery_worker.ts';
import { enqueueDeliveries } from './enqueue_deliveries.ts';
import { createWebhookClient } from './webhook_client.ts';

export interface SinksParts {
  readonly stores: Pick<Stores, 'outbox' | 'deliveries' | 'leases'>;
  readonly sinks: readonly Sink[];
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: SinkMetrics;
  /** Of the CloudEvents: the vault's public address, or `urn:tokenvault:{deployment}`. */
  readonly source: string;
  /** Of this process alone. */
  readonly replica: string;
  /** Between rounds; a second unless a test says otherwise. */
  readonly interval?: Duration | undefined;
  /** For what is on its way when the end comes; 3 seconds unless a test says otherwise. */
  readonly patience?: Duration | undefined;
}

export interface Sinks {
  /** Routes what is new and sends what is due, if it is this replica's turn. Resolves when that is done; a hanging sink takes its time. */
  round(): Promise<void>;
  /** Waits a little for what is on its way, then cuts it off: it is sent again by whoever is next. */
  close(): Promise<void>;
}

/** Tells the sinks what the outbox holds for them: at least once, for 3 days, roughly in order. One replica does it for all. */
export function startSinks(parts: SinksParts): Sinks {
  const { stores, clock, log, interval = SECOND, patience = 3 * SECOND } = parts;
  const { deliveries } = stores;
  const turn = createDeliveryLease({ leases: stores.leases, replica: parts.replica });
  const stopping = new AbortController();
  const served = parts.sinks.map((sink) => {
    const post = createWebhookClient(sink.url);
    return {
      sink,
      post,
      worker: createDeliveryWorker({ ...parts, sink, post, deliveries, turn, stopping: stopping.signal }),
    };
  });
  const rounds = new Set<Promise<void>>();
  let closed = false;
  let troubled = false;

  async function serve(): Promise<void> {
    if (!(await turn.take()) || closed) return;
    const outcomes = await Promise.allSettled(
      served.map(async ({ sink, worker }) => {
        await enqueueDeliveries(sink, { stores, clock });
        await worker.drain();
      }),
    );
    const failure = outcomes.find(({ status }) => status === 'rejected');
    if (failure?.status === 'rejected') throw failure.reason;
  }

  function round(): Promise<void> {
    if (closed || served.length === 0) return Promise.resolve();
    const running = serve().finally(() => rounds.delete(running));
    rounds.add(running);
    return running;
  }

  /** While a slow sink keeps one round, the next ones serve the others. */
  async function roundByItself(): Promise<void> {
    try {
      await round();
      troubled = false;
    } catch (error) {
      // Once, not each second: that the database is gone is told by the health check.
      if (!troubled) log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) });
      troubled = true;
    }
  }

  const timer = setInterval(roundByItself, interval).unref();
  return {
    round,
    async close() {
      closed = true;
      clearInterval(timer);
      const impatience = setTimeout(() => stopping.abort(), patience);
      turn.end();
      await Promise.allSettled(rounds);
      clearTimeout(impatience);
      await Promise.all(served.map(({ post }) => post.close()));
      await turn.release();
    },
  };
}
