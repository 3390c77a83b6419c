import { createServer, type RequestListener } from 'node:http';
import { listen, stopListening } from '../listeners/listen.ts';
import type { ListenAddress } from '../model/listen_address.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { limitConnections } from './connection_limit.ts';
import { HTTP_LIMITS } from './http_limits.ts';
import { type HttpResponse, plain, sendResponse } from './http_response.ts';

export interface OpsServer {
  readonly address: ListenAddress;
  close(grace?: number): Promise<void>;
}

/** Throws, or rejects, where something is not well; why is not told here. */
export type Check = () => void | Promise<void>;

const MOST_CONNECTIONS = 256;

/** What machines reach: `/metrics`, `/livez`, `/readyz`. */
export async function startOpsServer(options: {
  readonly address: ListenAddress;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** By the name under which `/readyz` tells how it went. */
  readonly readiness: Readonly<Record<string, Check>>;
  /** Default: 256. */
  readonly maxConnections?: number | undefined;
}): Promise<OpsServer> {
  // Both ask the database: many requests at once cost as much as one.
  const parts = {
    metrics: runOnceAtATime(options.metrics),
    readiness: runOnceAtATime(() => readyz(options.readiness)),
  };
  const listener: RequestListener = (request, response) => {
    limit.begin(request);
    answerMachine(parts, request.method ?? '', (request.url ?? '').split('?')[0] ?? '')
      .catch(() => plain(500, 'That did not work.'))
      .then((answer) => {
        if (!request.complete) response.setHeader('connection', 'close');
        sendResponse(response, answer, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
        limit.answered(request);
      })
      .catch(() => response.destroy());
  };
  const server = createServer(HTTP_LIMITS, listener);
  const limit = limitConnections(server, options.maxConnections ?? MOST_CONNECTIONS);
  return {
    address: await listen(server, options.address),
    close: (grace = 1_000) => stopListening(server, grace),
  };
}

interface OpsParts extends Pick<Parameters<typeof startOpsServer>[0], 'metrics'> {
  readonly readiness: () => Promise<HttpResponse>;
}

async function answerMachine(parts: OpsParts, method: string, path: string): Promise<HttpResponse> {
  const work = {
    '/livez': () => plain(200, 'ok'),
    '/readyz': parts.readiness,
    '/metrics': () => metrics(parts.metrics),
  }[path];
  if (work === undefined) return plain(404, 'There is /metrics, /livez and /readyz.');
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Not in this way.', { allow: 'GET, HEAD' });
  return work();
}

async function metrics(read: OpsParts['metrics']): Promise<HttpResponse> {
  const { contentType, text } = await read();
  return { status: 200, headers: { 'content-type': contentType }, body: text };
}

const CHECK_TIMEOUT = 2_000;

async function readyz(checks: Readonly<Record<string, Check>>): Promise<HttpResponse> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => ({ name, ok: await passes(check) })),
  );
  const lines = results.map(({ name, ok }) => `${name}: ${ok ? 'ok' : 'failing'}`);
  const ready = results.every(({ ok }) => ok);
  return plain(ready ? 200 : 503, [ready ? 'ok' : 'not ready', ...lines].join('\n'));
}

async function passes(check: Check): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, CHECK_TIMEOUT, false);
  });
  try {
    return await Promise.race([(async () => check())().then(() => true), late]);
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}
