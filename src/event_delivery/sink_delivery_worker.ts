import type { JobLease } from '../background/job_lease.ts';
import { type Clock, SECOND, systemClock, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/event_delivery.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { waitForAll } from '../model/wait_for_all.ts';
import type { DeliveryStore } from '../store/background_store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import { type WebhookRequest, webhookRequestOf } from './build_signed_webhook_request.ts';
import { affectsSink, type DeliveryError } from './classify_delivery_error.ts';
import { nextAttempt } from './retry_schedule.ts';
import type { Destination } from './sink_destinations.ts';
import { IN_FLIGHT, TIMEOUT, type WebhookClient, type WebhookResponse } from './webhook_client.ts';

export interface DeliveryWorkerParts {
  readonly sinkId: string;
  /** Undefined: the sink is not configured now, and its deliveries wait. */
  readonly destination: () => Destination | undefined;
  readonly deliveries: DeliveryStore;
  readonly lease: Pick<JobLease, 'isHeldFor'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: DeliveryMetrics;
  readonly source: string;
  readonly stopping: AbortSignal;
}

/** `sink` is the id of a configured sink. */
export interface DeliveryMetrics {
  /** From now on it receives events. */
  started(sink: string): void;
  delivered(sink: string): void;
  /** One failed attempt. */
  failed(sink: string, error: DeliveryError): void;
  /** An event was given up. It stays until the operator repairs the sink and redelivers it. */
  deadLettered(sink: string): void;
}

const BATCH = 32;
/** An attempt starts only if it and its record fit into the lease; otherwise another replica could send the same event meanwhile. */
const ATTEMPT_AND_RECORD = TIMEOUT + 5 * SECOND;
/** Pause after a failure of the sink, so that a backlog of events does not cause a burst of failing requests. */
const BACKOFF = 10 * SECOND;

/** Sends the pending deliveries of one sink, independently of other sinks. */
export function createDeliveryWorker(parts: DeliveryWorkerParts) {
  const { sinkId, destination, deliveries, lease, clock, log, metrics, source, stopping } = parts;
  let isDrainRequested = false;
  /** A sink that moved to another URL begins without one. */
  let backoff: { readonly client: WebhookClient; readonly until: Timestamp } | undefined;
  let isFailing = false;

  /** Where to send now; undefined: nowhere. */
  function mayBeSentTo(): Destination | undefined {
    const now = destination();
    const until = backoff !== undefined && backoff.client === now?.client ? backoff.until : 0;
    return lease.isHeldFor(ATTEMPT_AND_RECORD) && clock.now() >= until ? now : undefined;
  }

  const drainOnce = runOnceAtATime(async () => {
    do {
      isDrainRequested = false;
      while (mayBeSentTo() !== undefined) {
        const due = [...(await deliveries.due(sinkId, clock.now(), BATCH))];
        if (due.length === 0) break;
        await waitForAll(Array.from({ length: IN_FLIGHT }, () => sendFrom(due)));
      }
    } while (isDrainRequested);
  });

  /** One of several concurrent loops over the same queue. */
  async function sendFrom(queue: Delivery[]): Promise<void> {
    for (let to = mayBeSentTo(); to !== undefined; to = mayBeSentTo()) {
      const delivery = queue.shift();
      if (delivery === undefined) return;
      await record(delivery, await attempt(delivery, to), to);
    }
  }

  async function attempt(delivery: Delivery, { sink, client }: Destination): Promise<WebhookResponse> {
    let request: WebhookRequest;
    try {
      // Receivers compare the time with their own clock, so it is the system's, even if the vault's clock was moved.
      request = webhookRequestOf(delivery.event, { source, secrets: sink.secrets, sendTime: systemClock.now() });
    } catch {
      return { kind: 'failed', error: 'unsendable', retryAfter: undefined };
    }
    return client.send(request, stopping);
  }

  /** A crash between the response and this record sends the event again, with the same id. */
  async function record(delivery: Delivery, response: WebhookResponse, { client }: Destination): Promise<void> {
    if (response.kind === 'aborted') return;
    if (response.kind === 'failed') return recordFailure(delivery, response, client);
    await deliveries.delivered(sinkId, delivery.sequence);
    metrics.delivered(sinkId);
    if (isFailing) log.event('info', 'sink_recovered', { sink: sinkId });
    isFailing = false;
  }

  async function recordFailure(
    before: Delivery,
    { error, retryAfter }: WebhookResponse & { kind: 'failed' },
    client: WebhookClient,
  ): Promise<void> {
    const now = clock.now();
    metrics.failed(sinkId, error);
    if (affectsSink(error)) {
      const before = backoff?.client === client ? backoff.until : 0;
      backoff = { client, until: Math.max(before, now + Math.max(BACKOFF, retryAfter ?? 0)) };
      if (!isFailing) log.event('warn', 'sink_failing', { sink: sinkId, error });
      isFailing = true;
    }
    const delivery = { ...before, attempts: before.attempts + 1, lastError: error };
    const nextTime = nextAttempt({ delivery, now, retryAfter, random: Math.random() });
    if (nextTime !== undefined) return deliveries.postpone(delivery, nextTime);
    await deliveries.deadLetter(delivery, now);
    metrics.deadLettered(sinkId);
    const { attempts, event } = delivery;
    log.event('error', 'delivery_dead_lettered', { sink: sinkId, id: event.uid, type: event.type, attempts, error });
  }

  return {
    /** Resolves when nothing is due, the sink is in backoff, or the lease ends. A call during a drain causes another pass. */
    drain(): Promise<void> {
      isDrainRequested = true;
      return drainOnce();
    },
  };
}
