import { type Clock, SECOND, systemClock, type Timestamp } from '../model/clock.ts';
import type { Delivery } from '../model/delivery.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { Sink } from '../model/sink.ts';
import type { DeliveryStore } from '../store/background_stores.ts';
import type { Log } from '../telemetry/log.ts';
import { type DeliveryError, isOfSink } from './delivery_error.ts';
import type { DeliveryLease } from './delivery_lease.ts';
import type { SinkMetrics } from './delivery_metrics.ts';
import { nextTry } from './retry_schedule.ts';
import { IN_FLIGHT, TIMEOUT, type WebhookClient, type WebhookResponse } from './webhook_client.ts';
import { type WebhookRequest, webhookRequestOf } from './webhook_request.ts';

/** Brings one sink what waits for it, whatever becomes of the others. */
export interface DeliveryWorker {
  /** Resolves when nothing is due any more, the sink rests, or the turn is over. One drain at a time: a second call lasts until a look after it. */
  drain(): Promise<void>;
}

export interface DeliveryWorkerParts {
  readonly sink: Sink;
  readonly post: WebhookClient;
  readonly deliveries: DeliveryStore;
  readonly turn: DeliveryLease;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: SinkMetrics;
  readonly source: string;
  readonly stopping: AbortSignal;
}

const BATCH = 32;
/** A try begins only where it and the record of it fit into the turn: else another replica could send the same meanwhile. */
const TRY_AND_RECORD = TIMEOUT + 5 * SECOND;
/** So long is a sink left alone that failed: a thousand events that wait for it are no reason to ask it a thousand times. */
const REST = 10 * SECOND;

export function createDeliveryWorker(parts: DeliveryWorkerParts): DeliveryWorker {
  const { sink, post, deliveries, turn, clock, log, metrics, source, stopping } = parts;
  let again = false;
  let restUntil: Timestamp = 0;
  let failing = false;

  const mayTry = () => turn.lasts(TRY_AND_RECORD) && clock.now() >= restUntil;

  const drainOnce = runOnceAtATime(async () => {
    do {
      again = false;
      while (mayTry()) {
        const due = [...(await deliveries.due(sink.id, clock.now(), BATCH))];
        if (due.length === 0) break;
        await all(Array.from({ length: IN_FLIGHT }, () => lane(due)));
      }
    } while (again);
  });

  async function lane(due: Delivery[]): Promise<void> {
    while (mayTry()) {
      const delivery = due.shift();
      if (delivery === undefined) return;
      await record(delivery, await attempt(delivery));
    }
  }

  async function attempt(delivery: Delivery): Promise<WebhookResponse> {
    let message: WebhookRequest;
    try {
      // The receiver holds the time against its own clock, so it is that of the world, wherever the vault's was moved.
      message = webhookRequestOf(delivery.event, { source, secrets: sink.secrets, sendTime: systemClock.now() });
    } catch {
      return { kind: 'failed', fault: 'unsendable', retryAfter: undefined };
    }
    return post.send(message, stopping);
  }

  /** After the answer: an end in between lets the event be sent again, under the same id. */
  async function record(delivery: Delivery, answer: WebhookResponse): Promise<void> {
    if (answer.kind === 'aborted') return;
    if (answer.kind === 'failed') return recordFailure(delivery, answer);
    await deliveries.delivered(sink.id, delivery.sequence);
    metrics.delivered(sink.id);
    if (failing) log.event('info', 'sink_recovered', { sink: sink.id });
    failing = false;
  }

  async function recordFailure(
    before: Delivery,
    { fault, retryAfter }: WebhookResponse & { kind: 'failed' },
  ): Promise<void> {
    const now = clock.now();
    metrics.failed(sink.id, fault);
    if (isOfSink(fault)) fail(fault, now + Math.max(REST, retryAfter ?? 0));
    const delivery = { ...before, attempts: before.attempts + 1, lastError: fault };
    const nextTime = nextTry({ delivery, now, retryAfter, random: Math.random() });
    if (nextTime !== undefined) return deliveries.postpone(delivery, nextTime);
    await deliveries.deadLetter(delivery, now);
    metrics.deadLettered(sink.id);
    const { attempts, event } = delivery;
    log.event('error', 'delivery_dead_lettered', {
      sink: sink.id,
      id: event.uid,
      type: event.type,
      attempts,
      error: fault,
    });
  }

  function fail(fault: DeliveryError, until: Timestamp): void {
    restUntil = Math.max(restUntil, until);
    if (!failing) log.event('warn', 'sink_failing', { sink: sink.id, error: fault });
    failing = true;
  }

  return {
    drain() {
      again = true;
      return drainOnce();
    },
  };
}

/** Waits for each, also where one fails. */
async function all(work: readonly Promise<void>[]): Promise<void> {
  const failure = (await Promise.allSettled(work)).find((one) => one.status === 'rejected');
  if (failure !== undefined) throw failure.reason;
}
