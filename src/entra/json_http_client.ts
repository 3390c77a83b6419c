import { errors } from 'undici';
import { createDispatchers, type HttpOptions } from '../https_client/create_dispatchers.ts';
import type { Clock, Duration } from '../model/clock.ts';
import { parseJsonObject } from './json_object.ts';
import type { RawTokenResponse, TransportFault } from './raw_response.ts';
import { fetchWhole, type WholeResponse } from './whole_http_response.ts';

export type JsonHttp = ReturnType<typeof createJsonHttp>;

export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** For connecting, sending, waiting and reading together. */
  readonly timeout: Duration;
  readonly correlationId: string;
}

// Invalid UTF-8 becomes U+FFFD, and a byte order mark is skipped.
const decoder = new TextDecoder();

/** HTTP client for Entra and Graph. Sends each request once. Never throws: a fault is part of the response. */
export function createJsonHttp({ clock, options }: { clock: Clock; options: HttpOptions }) {
  const dispatchers = createDispatchers(options);

  return {
    async send(url: string, { method, headers, body, timeout, correlationId }: JsonRequest): Promise<RawTokenResponse> {
      const sendTime = clock.now();
      const { origin, pathname, search } = new URL(url);
      // No redirect is followed: a 307 would send the client secret to the address that it names.
      const response = await fetchWhole(
        dispatchers.of(url),
        {
          origin,
          path: `${pathname}${search}`,
          method,
          headers: {
            ...headers,
            accept: 'application/json',
            'client-request-id': correlationId,
            'return-client-request-id': 'true',
          },
          body: body ?? null,
        },
        Math.ceil(timeout),
      );
      const parsed = response.body && parseJsonObject(decoder.decode(response.body));
      return {
        status: response.status,
        retryAfter: single(response.headers['retry-after']),
        date: single(response.headers['date']),
        body: parsed,
        fault: parsed === undefined ? faultOf(response) : undefined,
        sendTime,
        correlationId,
      };
    },
    /** Closes idle connections; requests in progress complete. */
    close: () => dispatchers.close(),
  };
}

function faultOf({ status = 0, body, error, isLate }: WholeResponse): TransportFault {
  if (status >= 300 && status < 400) return 'redirect';
  if (body !== undefined) return 'not_json';
  if (error instanceof errors.ResponseExceededMaxSizeError) return 'too_large';
  return isLate || error instanceof errors.ConnectTimeoutError ? 'timeout' : 'closed';
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
