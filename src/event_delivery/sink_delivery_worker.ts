import type { JobLease } from '../background/job_lease.ts';
import { type Clock, SECOND, systemClock, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/event_delivery.ts';
import type { Sink } from '../model/event_sink.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { waitForAll } from '../model/wait_for_all.ts';
import type { DeliveryStore } from '../store/background_store_interfaces.ts';
import type { Log } from '../telemetry/log_events.ts';
import { type WebhookRequest, webhookRequestOf } from './build_signed_webhook_request.ts';
import { affectsSink, type DeliveryError } from './classify_delivery_error.ts';
import { nextAttempt } from './retry_schedule.ts';
import { IN_FLIGHT, TIMEOUT, type WebhookClient, type WebhookResponse } from './webhook_client.ts';

export interface DeliveryWorkerParts {
  readonly sink: Sink;
  readonly client: WebhookClient;
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
  const { sink, client, deliveries, lease, clock, log, metrics, source, stopping } = parts;
  let isDrainRequested = false;
  let backoffUntil: Timestamp = 0;
  let isFailing = false;

  const maySend = () => lease.isHeldFor(ATTEMPT_AND_RECORD) && clock.now() >= backoffUntil;

  const drainOnce = runOnceAtATime(async () => {
    do {
      isDrainRequested = false;
      while (maySend()) {
        const due = [...(await deliveries.due(sink.id, clock.now(), BATCH))];
        if (due.length === 0) break;
        await waitForAll(Array.from({ length: IN_FLIGHT }, () => sendFrom(due)));
      }
    } while (isDrainRequested);
  });

  /** One of several concurrent loops over the same queue. */
  async function sendFrom(queue: Delivery[]): Promise<void> {
    while (maySend()) {
      const delivery = queue.shift();
      if (delivery === undefined) return;
      await record(delivery, await attempt(delivery));
    }
  }

  async function attempt(delivery: Delivery): Promise<WebhookResponse> {
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
  async function record(delivery: Delivery, response: WebhookResponse): Promise<void> {
    if (response.kind === 'aborted') return;
    if (response.kind === 'failed') return recordFailure(delivery, response);
    await deliveries.delivered(sink.id, delivery.sequence);
    metrics.delivered(sink.id);
    if (isFailing) log.event('info', 'sink_recovered', { sink: sink.id });
    isFailing = false;
  }

  async function recordFailure(
    before: Delivery,
    { error, retryAfter }: WebhookResponse & { kind: 'failed' },
  ): Promise<void> {
    const now = clock.now();
    metrics.failed(sink.id, error);
    if (affectsSink(error)) {
      backoffUntil = Math.max(backoffUntil, now + Math.max(BACKOFF, retryAfter ?? 0));
      if (!isFailing) log.event('warn', 'sink_failing', { sink: sink.id, error });
      isFailing = true;
    }
    const delivery = { ...before, attempts: before.attempts + 1, lastError: error };
    const nextTime = nextAttempt({ delivery, now, retryAfter, random: Math.random() });
    if (nextTime !== undefined) return deliveries.postpone(delivery, nextTime);
    await deliveries.deadLetter(delivery, now);
    metrics.deadLettered(sink.id);
    const { attempts, event } = delivery;
    log.event('error', 'delivery_dead_lettered', { sink: sink.id, id: event.uid, type: event.type, attempts, error });
  }

  return {
    /** Resolves when nothing is due, the sink is in backoff, or the lease ends. A call during a drain causes another pass. */
    drain(): Promise<void> {
      isDrainRequested = true;
      return drainOnce();
    },
  };
}
