import { randomUUID } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { EndpointCall } from '../endpoint_call.ts';
import { type EntraError, errorBody } from '../errors/entra_error.ts';
import { errorOf, type Fault } from '../faults/injected_faults.ts';
import { type HttpResponse, json } from '../http/http_response.ts';
import { send } from '../http/http_server.ts';

/** `produce`: does the real work, for the faults that need it. `refuse`: the endpoint's own form of an error. */
export async function answerWithFault(
  call: EndpointCall,
  fault: Fault,
  response: ServerResponse,
  produce: () => Promise<HttpResponse>,
  refuse: ((call: EndpointCall, error: EntraError) => HttpResponse) | undefined,
): Promise<void> {
  const { state, record } = call;
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
    case 'throttle': {
      const headers = { 'content-type': 'text/plain; charset=utf-8', ...retryAfter(fault) };
      return send(response, { status: fault.status ?? 429, headers, body: 'Too many requests. Try again later.' });
    }
    case 'empty':
      return send(response, json(200, {}));
    case 'broken_json': {
      const answer = await produce();
      return send(response, { ...answer, body: answer.body.slice(0, answer.body.length / 2) });
    }
    case 'huge':
      return flood(response, fault.bytes ?? 100 * 1024 * 1024);
    case 'redirect': {
      const location = fault.location ?? `${state.url}/sandbox/trap`;
      return send(response, { status: fault.status ?? 307, headers: { location }, body: '' });
    }
    case 'error': {
      const error = errorOf(fault, record);
      if (refuse !== undefined) return send(response, refuse(call, error));
      const headers = fault.retryAfter === undefined ? {} : retryAfter(fault);
      const body = errorBody(error, state.clock.now(), record.correlationId ?? randomUUID());
      return send(response, json(error.status, body, headers));
    }
  }
}

const HTML_HEADERS = { 'content-type': 'text/html; charset=us-ascii' };
const OUTAGE_PAGE =
  '<!DOCTYPE HTML><html><head><title>Service Unavailable</title></head><body><h2>Service Unavailable</h2><hr><p>HTTP Error 503. The service is unavailable.</p></body></html>';

/** A date is by the real clock, with which a client compares it. */
function retryAfter(fault: Fault): Record<string, string> {
  if (fault.retryAfter === null) return {};
  const seconds = fault.retryAfter ?? 30;
  const date = new Date(Date.now() + seconds * 1000).toUTCString();
  return { 'retry-after': fault.retryAfterDate === true ? date : String(seconds) };
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

/** Valid JSON, too long to keep. */
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
