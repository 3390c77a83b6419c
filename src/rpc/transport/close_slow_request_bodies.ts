import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { type Duration, SECOND } from '../../model/clock.ts';

/** Channel of all HTTP/2 requests of the process. https://nodejs.org/api/diagnostics_channel.html#http2 */
const REQUESTS = 'http2.server.stream.created';

const DEFAULT_TIMEOUT: Duration = 10 * SECOND;

/**
 * Closes streams whose request body is not complete in time. Callers are authenticated after the body, so no limit and
 * no deadline applies to such a stream, and grpc-js has no timeout for it. Most bodies arrive with their headers, so
 * one check after the current turn of the event loop leaves few streams to watch, and calls need no timer. Returns the
 * function that stops it.
 */
export function closeSlowRequestBodies(
  services: readonly ServiceDefinition[],
  timeout: Duration = DEFAULT_TIMEOUT,
): () => void {
  const paths = new Set(services.flatMap(pathsOfOneRequest));
  const watched = new Map<ServerHttp2Stream, number>();
  let opened: ServerHttp2Stream[] = [];
  let check: NodeJS.Immediate | undefined;

  function onRequest(message: unknown): void {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: IncomingHttpHeaders };
    if (!paths.has(headers[':path'] ?? '')) return;
    opened.push(stream);
    check ??= setImmediate(watchIncomplete);
  }

  function watchIncomplete(): void {
    const now = performance.now();
    for (const stream of opened) if (!isComplete(stream)) watched.set(stream, now);
    opened = [];
    check = undefined;
  }

  function closeLate(): void {
    const now = performance.now();
    for (const [stream, since] of watched) {
      if (isComplete(stream)) watched.delete(stream);
      else if (now - since >= timeout) {
        watched.delete(stream);
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    }
  }

  const timer = setInterval(closeLate, Math.ceil(timeout / 4)).unref();
  subscribe(REQUESTS, onRequest);
  return () => {
    unsubscribe(REQUESTS, onRequest);
    clearInterval(timer);
    clearImmediate(check);
  };
}

/** Streams of requests (reflection) may stay open as long as their connection does. */
function pathsOfOneRequest(definition: ServiceDefinition): readonly string[] {
  return Object.values(definition).flatMap(({ path, requestStream }) => (requestStream ? [] : [path]));
}

/** The body was received, or the stream was closed. */
function isComplete(stream: ServerHttp2Stream): boolean {
  return stream.readableEnded || stream.closed || stream.destroyed;
}
