import { Agent, request } from 'undici';
import { type Duration, HOUR, SECOND } from '../model/clock.ts';
import { type DeliveryError, deliveryErrorOf } from './delivery_error.ts';
import type { WebhookRequest } from './webhook_request.ts';

/** The way to one sink, which shares its connections with no other. */
export interface WebhookClient {
  /** One try; it never throws. `aborted`: `signal` ended it, and nobody knows whether it arrived. */
  send(message: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse>;
  close(): Promise<void>;
}

export type WebhookResponse =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'aborted' }
  /** `retryAfter`: how long the sink asks to be left alone. */
  | { readonly kind: 'failed'; readonly fault: DeliveryError; readonly retryAfter: Duration | undefined };

/** For all of a try: connecting, sending, waiting, reading. */
export const TIMEOUT = 10 * SECOND;
export const IN_FLIGHT = 4;
/** Bytes of an answer that nobody wants; read only so that the connection can serve again. */
const MOST_BODY = 16 * 1024;
const LONGEST_REST = HOUR;

export function createWebhookClient(url: string, timeout: Duration = TIMEOUT): WebhookClient {
  const agent = new Agent({
    connections: IN_FLIGHT,
    pipelining: 1,
    maxHeaderSize: 16 * 1024,
    allowH2: false,
    // Said aloud, so that NODE_TLS_REJECT_UNAUTHORIZED cannot turn it off.
    connect: { minVersion: 'TLSv1.2', rejectUnauthorized: true, timeout },
  });

  return {
    async send({ headers, body }, signal) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), timeout);
      const either = AbortSignal.any([signal, late.signal]);
      try {
        // undici's request follows no redirects: wherever they point was named by nobody who may.
        const response = await request(url, {
          method: 'POST',
          dispatcher: agent,
          signal: either,
          headersTimeout: 0,
          bodyTimeout: 0,
          headers,
          body,
        });
        // Unheard, the error of a body that is cut off would end the process.
        response.body.on('error', () => {});
        await response.body.dump({ limit: MOST_BODY, signal: either }).catch(() => {});
        // The status is the answer: a sink that took the event and then choked on its own page has it.
        return answerOf(response.statusCode, response.headers['retry-after']);
      } catch (error) {
        if (signal.aborted) return { kind: 'aborted' };
        return {
          kind: 'failed',
          fault: late.signal.aborted ? 'timeout' : deliveryErrorOf(error),
          retryAfter: undefined,
        };
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => agent.destroy(),
  };
}

/** 410 too is a failure: who unsubscribes is taken out of the configuration. */
function answerOf(status: number, retryAfter: string | string[] | undefined): WebhookResponse {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status >= 300 && status < 400) return { kind: 'failed', fault: 'redirect', retryAfter: undefined };
  const asked = status === 429 || status === 503 ? restOf(retryAfter) : undefined;
  return { kind: 'failed', fault: `HTTP ${status}`, retryAfter: asked };
}

/** Seconds or a date (RFC 9110, 10.2.3). The date is of the world outside, whatever time the vault was moved to. */
function restOf(retryAfter: string | string[] | undefined): Duration | undefined {
  if (typeof retryAfter !== 'string') return undefined;
  const rest = /^\d+$/.test(retryAfter) ? Number(retryAfter) * SECOND : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(rest) || rest <= 0 ? undefined : Math.min(rest, LONGEST_REST);
}
