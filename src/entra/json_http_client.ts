import { errors, request } from 'undici';
import { createDispatchers, type HttpOptions } from '../https_client/create_dispatchers.ts';
import type { Clock, Duration } from '../model/clock.ts';
import { parseJsonObject } from './json_object.ts';
import type { RawTokenResponse, TransportFault } from './raw_response.ts';

export type JsonHttp = ReturnType<typeof createJsonHttp>;

export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** For connecting, sending, waiting and reading together. */
  readonly timeout: Duration;
  readonly correlationId: string;
}

/** HTTP client for Entra and Graph. Sends each request once. Never throws: a fault is part of the response. */
export function createJsonHttp({ clock, options }: { clock: Clock; options: HttpOptions }) {
  const dispatchers = createDispatchers(options);

  return {
    async send(url: string, { method, headers, body, timeout, correlationId }: JsonRequest): Promise<RawTokenResponse> {
      const signal = AbortSignal.timeout(Math.ceil(timeout));
      const base = { sendTime: clock.now(), correlationId, retryAfter: undefined, date: undefined, body: undefined };
      let head: Omit<RawTokenResponse, 'fault'> = { ...base, status: undefined };
      try {
        // undici's request follows no redirects: a 307 would send the client secret to the address that it names.
        const response = await request(url, {
          method,
          dispatcher: dispatchers.of(url),
          signal,
          headersTimeout: 0,
          bodyTimeout: 0,
          headers: {
            ...headers,
            accept: 'application/json',
            'client-request-id': correlationId,
            'return-client-request-id': 'true',
          },
          body: body ?? null,
        });
        // undici emits an error if a body is cut off, also by us; without a listener it would end the process.
        response.body.on('error', () => {});
        const { headers: received, statusCode: status } = response;
        head = { ...base, status, retryAfter: single(received['retry-after']), date: single(received['date']) };
        if (status >= 300 && status < 400) {
          response.body.destroy();
          return { ...head, fault: 'redirect' };
        }
        const parsed = parseJsonObject(await response.body.text());
        return { ...head, body: parsed, fault: parsed === undefined ? 'not_json' : undefined };
      } catch (error) {
        return { ...head, fault: faultOf(error, signal) };
      }
    },
    /** Closes idle connections; requests in progress complete. */
    close: () => dispatchers.close(),
  };
}

function faultOf(error: unknown, signal: AbortSignal): TransportFault {
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'too_large';
  return signal.aborted || error instanceof errors.ConnectTimeoutError ? 'timeout' : 'closed';
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
