import { Agent, request } from 'undici';
import { connectionFaultOf } from '../https_client/connection_fault.ts';
import { type Duration, HOUR, SECOND } from '../model/clock.ts';
import type { WebhookRequest } from './build_signed_webhook_request.ts';
import type { DeliveryError } from './classify_delivery_error.ts';

/** HTTP client of one sink, with its own connections. */
export interface WebhookClient {
  /** One attempt; it never throws. `aborted`: by `signal`, and it is unknown whether the event arrived. */
  send(message: WebhookRequest, signal: AbortSignal): Promise<WebhookResponse>;
  /** Resolves when the requests in progress are complete; later ones fail. */
  finish(): Promise<void>;
  close(): Promise<void>;
}

export type WebhookResponse =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'aborted' }
  /** `retryAfter`: from the response header. */
  | { readonly kind: 'failed'; readonly error: DeliveryError; readonly retryAfter: Duration | undefined };

/** For the whole attempt: connecting, sending, waiting, reading. */
export const TIMEOUT = 10 * SECOND;
export const IN_FLIGHT = 4;
/** Bytes. The response body is ignored, and read only so that the connection can be reused. */
const MOST_BODY = 16 * 1024;
const LONGEST_RETRY_AFTER = HOUR;

export function createWebhookClient(url: string, timeout: Duration = TIMEOUT): WebhookClient {
  const agent = new Agent({
    connections: IN_FLIGHT,
    pipelining: 1,
    maxHeaderSize: 16 * 1024,
    allowH2: false,
    // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED cannot disable it.
    connect: { minVersion: 'TLSv1.2', rejectUnauthorized: true, timeout },
  });

  return {
    async send({ headers, body }, signal) {
      const late = new AbortController();
      const timer = setTimeout(() => late.abort(), timeout);
      const either = AbortSignal.any([signal, late.signal]);
      try {
        // undici's request does not follow redirects: only the operator may name the address of a sink.
        const response = await request(url, {
          method: 'POST',
          dispatcher: agent,
          signal: either,
          headersTimeout: 0,
          bodyTimeout: 0,
          headers,
          body,
        });
        // An unhandled error of a truncated body would terminate the process.
        response.body.on('error', () => {});
        await response.body.dump({ limit: MOST_BODY, signal: either }).catch(() => {});
        // The status counts, even if the body is truncated: the sink has the event.
        return responseOf(response.statusCode, response.headers['retry-after']);
      } catch (error) {
        if (signal.aborted) return { kind: 'aborted' };
        return {
          kind: 'failed',
          error: late.signal.aborted ? 'timeout' : connectionFaultOf(error),
          retryAfter: undefined,
        };
      } finally {
        clearTimeout(timer);
      }
    },
    finish: () => agent.close(),
    close: () => agent.destroy(),
  };
}

/** 410 is a failure like others: to unsubscribe a sink, the operator removes it from the configuration. */
function responseOf(status: number, retryAfter: string | string[] | undefined): WebhookResponse {
  if (status >= 200 && status < 300) return { kind: 'delivered' };
  if (status >= 300 && status < 400) return { kind: 'failed', error: 'redirect', retryAfter: undefined };
  const delay = status === 429 || status === 503 ? delayOf(retryAfter) : undefined;
  return { kind: 'failed', error: `HTTP ${status}`, retryAfter: delay };
}

/** Seconds or a date (RFC 9110, 10.2.3). The date refers to the system clock, even if the vault's clock was moved. */
function delayOf(retryAfter: string | string[] | undefined): Duration | undefined {
  if (typeof retryAfter !== 'string') return undefined;
  const delay = /^\d+$/.test(retryAfter) ? Number(retryAfter) * SECOND : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(delay) || delay <= 0 ? undefined : Math.min(delay, LONGEST_RETRY_AFTER);
}
