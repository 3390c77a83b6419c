import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { type EntraError, errorBody } from '../errors/entra_error.ts';
import { errorOf, type Fault, type RequestTraits } from '../faults/fault.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import { send } from '../http/http_server.ts';
import type { SandboxState } from '../state/state.ts';

/** Answers as the fault says. `produce` does the real work, for the kinds that do it; `refuse` sends a browser on with an error. */
export async function deliverFault(
  world: SandboxState,
  fault: Fault,
  response: ServerResponse,
  {
    traits,
    produce,
    refuse,
  }: {
    traits: RequestTraits;
    produce: () => Promise<HttpResponse>;
    refuse?: ((error: EntraError) => HttpResponse) | undefined;
  },
): Promise<void> {
  const text = { 'content-type': 'text/plain; charset=utf-8' };
  switch (fault.kind) {
    case 'latency':
      await delay(fault.milliseconds ?? 1_000, undefined, { ref: false });
      return send(response, await produce());
    case 'drip':
      return drip(response, await produce(), fault.milliseconds ?? 60_000);
    case 'hang':
      return;
    case 'close':
      response.destroy();
      return;
    case 'close_after':
      await produce();
      response.destroy();
      return;
    case 'html':
      return send(response, { status: fault.status ?? 503, headers: HTML_HEADERS, body: OUTAGE_PAGE });
    case 'throttle':
      return send(response, {
        status: fault.status ?? 429,
        headers: { ...text, ...retryAfter(fault) },
        body: 'Too many requests. Try again later.',
      });
    case 'empty':
      return send(response, json(200, {}));
    case 'broken_json': {
      const answer = await produce();
      return send(response, { ...answer, body: answer.body.slice(0, answer.body.length / 2) });
    }
    case 'huge':
      return flood(response, fault.bytes ?? 100 * 1024 * 1024);
    case 'redirect':
      return send(response, {
        status: fault.status ?? 307,
        headers: { location: fault.location ?? `${world.url}/sandbox/trap` },
        body: '',
      });
    case 'error': {
      const error = errorOf(fault, traits);
      if (refuse !== undefined) return send(response, refuse(error));
      const headers = fault.retryAfter === undefined ? {} : retryAfter(fault);
      return send(
        response,
        json(error.status, errorBody(error, world.clock.now(), traits.correlationId ?? randomUUID()), headers),
      );
    }
  }
}

const HTML_HEADERS = { 'content-type': 'text/html; charset=us-ascii' };
const OUTAGE_PAGE =
  '<!DOCTYPE HTML><html><head><title>Service Unavailable</title></head><body><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p></body></html>';

/** The date is by the real clock: that is what a client compares it with. */
function retryAfter(fault: Fault): Record<string, string> {
  if (fault.retryAfter === null) return {};
  const seconds = fault.retryAfter ?? 30;
  return {
    'retry-after':
      fault.retryAfterDate === true ? new Date(Date.now() + seconds * 1000).toUTCString() : String(seconds),
  };
}

const PIECES = 40;

async function drip(response: ServerResponse, answer: HttpResponse, milliseconds: number): Promise<void> {
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  const size = Math.max(1, Math.ceil(answer.body.length / PIECES));
  for (let start = 0; start < answer.body.length && !response.destroyed; start += size) {
    response.write(answer.body.slice(start, start + size));
    await delay(milliseconds / PIECES, undefined, { ref: false });
  }
  response.end();
}

/** JSON that never gets to its point. */
async function flood(response: ServerResponse, bytes: number): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.write('{"token_type":"Bearer","padding":"');
  const piece = Buffer.alloc(64 * 1024, 'x');
  let wake = () => {};
  response.on('drain', () => wake()).on('close', () => wake());
  for (let sent = 0; sent < bytes && !response.destroyed; sent += piece.length) {
    if (response.write(piece) || response.destroyed) continue;
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  response.end('"}');
}
