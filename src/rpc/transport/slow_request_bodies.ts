import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { type Duration, SECOND } from '../../model/clock.ts';

/** What Node tells of every HTTP/2 request of the process. https://nodejs.org/api/diagnostics_channel.html#http2 */
const REQUESTS = 'http2.server.stream.created';

const DEFAULT_TIMEOUT: Duration = 10 * SECOND;

/**
 * Cuts off requests that are begun and not ended in time. Nobody is asked who calls before a body is whole, so no cap and
 * no deadline counts such a request, and grpc-js has no timeout for it. Nearly all bodies come with their headers: one
 * look when the present turn of the event loop is over leaves few to be watched, and a call costs no timer.
 * Ends with what it answers.
 */
export function cutOffSlowBodies(
  services: readonly ServiceDefinition[],
  timeout: Duration = DEFAULT_TIMEOUT,
): () => void {
  const paths = new Set(services.flatMap(pathsOfOneRequest));
  const watched = new Map<ServerHttp2Stream, number>();
  let fresh: ServerHttp2Stream[] = [];
  let looking: NodeJS.Immediate | undefined;

  function onRequest(message: unknown): void {
    const { stream, headers } = message as { stream: ServerHttp2Stream; headers: IncomingHttpHeaders };
    if (!paths.has(headers[':path'] ?? '')) return;
    fresh.push(stream);
    looking ??= setImmediate(look);
  }

  function look(): void {
    const now = performance.now();
    for (const stream of fresh) if (!isOver(stream)) watched.set(stream, now);
    fresh = [];
    looking = undefined;
  }

  function cutOff(): void {
    const now = performance.now();
    for (const [stream, begun] of watched) {
      if (isOver(stream)) watched.delete(stream);
      else if (now - begun >= timeout) {
        watched.delete(stream);
        stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
      }
    }
  }

  const timer = setInterval(cutOff, Math.ceil(timeout / 4)).unref();
  subscribe(REQUESTS, onRequest);
  return () => {
    unsubscribe(REQUESTS, onRequest);
    clearInterval(timer);
    clearImmediate(looking);
  };
}

/** Streams of requests (reflection) may stay open as long as their connection does. */
function pathsOfOneRequest(definition: ServiceDefinition): readonly string[] {
  return Object.values(definition).flatMap(({ path, requestStream }) => (requestStream ? [] : [path]));
}

/** The body came whole, or nobody waits for it any more. */
function isOver(stream: ServerHttp2Stream): boolean {
  return stream.readableEnded || stream.closed || stream.destroyed;
}
