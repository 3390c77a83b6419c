import { errors, request } from 'undici';
import type { Clock, Duration } from '../model/clock.ts';
import type { HttpProxy } from '../model/http_proxy.ts';
import { createDispatchers } from './dispatcher.ts';
import type { RawTokenResponse, TransportFault } from './token_response.ts';

/** One POST to a token endpoint. It never throws: what goes wrong on the way is part of the answer. */
export interface TokenHttp {
  post(url: string, post: TokenPost): Promise<RawTokenResponse>;
  /** Ends idle connections; requests under way finish. */
  close(): Promise<void>;
}

/** The same for any method: one request, never a second try of its own. */
export interface JsonHttp {
  send(url: string, request: JsonRequest): Promise<RawTokenResponse>;
  close(): Promise<void>;
}

export interface TokenPost extends Omit<JsonRequest, 'method'> {
  readonly body: string;
}

export interface JsonRequest {
  readonly method: 'GET' | 'POST';
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** For all of it: connecting, sending, waiting, reading. */
  readonly timeout: Duration;
  readonly correlationId: string;
}

export interface HttpOptions {
  /** Bytes of a body that are read before the connection is cut. Token answers have about 6 KB. */
  readonly maxBody: number;
  /** Connections per origin. */
  readonly connections: number;
  /** Undefined: none. */
  readonly proxy?: HttpProxy | undefined;
}

export function createTokenHttp(parts: { clock: Clock; options: HttpOptions }): TokenHttp {
  const http = createJsonHttp(parts);
  return { post: (url, post) => http.send(url, { ...post, method: 'POST' }), close: http.close };
}

export function createJsonHttp(parts: { clock: Clock; options: HttpOptions }): JsonHttp {
  const { clock, options } = parts;
  const dispatchers = createDispatchers(options.connections, options.proxy);

  return {
    async send(url, asked) {
      const sendTime = clock.now();
      const base = { sendTime, correlationId: asked.correlationId, retryAfter: undefined, date: undefined };
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), asked.timeout);
      try {
        // undici's request follows no redirects: a 307 would carry the client secret to wherever it points.
        const response = await request(url, {
          method: asked.method,
          dispatcher: dispatchers.of(url),
          signal: abort.signal,
          headersTimeout: 0,
          bodyTimeout: 0,
          headers: {
            ...asked.headers,
            accept: 'application/json',
            'client-request-id': asked.correlationId,
            'return-client-request-id': 'true',
          },
          body: asked.body ?? null,
        });
        // undici emits an error on a body that is cut off, also by ourselves; unheard, it would end the process.
        response.body.on('error', () => {});
        const { headers, statusCode: status } = response;
        const head = { ...base, status, retryAfter: single(headers['retry-after']), date: single(headers['date']) };
        if (response.statusCode >= 300 && response.statusCode < 400) {
          response.body.destroy();
          return { ...head, body: undefined, fault: 'redirect' };
        }
        try {
          const text = await readAll(response.body, options.maxBody);
          const body = text === undefined ? undefined : parseObject(text);
          return {
            ...head,
            body,
            fault: body !== undefined ? undefined : text === undefined ? 'too_large' : 'not_json',
          };
        } catch (error) {
          return { ...head, body: undefined, fault: faultOf(error, abort.signal) };
        }
      } catch (error) {
        return { ...base, status: undefined, body: undefined, fault: faultOf(error, abort.signal) };
      } finally {
        clearTimeout(timer);
      }
    },
    close: () => dispatchers.close(),
  };
}

/** Undefined: longer than `max`; the rest was not read. */
async function readAll(body: AsyncIterable<Buffer> & { destroy(): unknown }, max: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    size += chunk.length;
    if (size > max) {
      body.destroy();
      return undefined;
    }
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function faultOf(error: unknown, signal: AbortSignal): TransportFault {
  const timedOut = signal.aborted || error instanceof errors.ConnectTimeoutError;
  return timedOut ? 'timeout' : 'closed';
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}
