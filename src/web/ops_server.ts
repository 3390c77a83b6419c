import { createServer, type RequestListener } from 'node:http';
import { listen } from '../listeners/listen.ts';
import { type Answer, plain, sendAnswer } from './answer.ts';
import { HTTP_LIMITS } from './http_limits.ts';
import { type ListenAddress, stopListening } from './listen.ts';

export interface OpsServer {
  readonly address: ListenAddress;
  close(grace?: number): Promise<void>;
}

/** Throws, or rejects, where something is not well; why is not told here. */
export type Check = () => void | Promise<void>;

/** What machines reach: `/metrics`, `/livez`, `/readyz`. */
export async function startOpsServer(options: {
  readonly address: ListenAddress;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** By the name under which `/readyz` tells how it went. */
  readonly readiness: Readonly<Record<string, Check>>;
}): Promise<OpsServer> {
  const listener: RequestListener = (request, response) => {
    answerMachine(options, request.method ?? '', (request.url ?? '').split('?')[0] ?? '')
      .catch(() => plain(500, 'That did not work.'))
      .then((answer) => {
        if (!request.complete) response.setHeader('connection', 'close');
        sendAnswer(response, answer, { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' });
      })
      .catch(() => response.destroy());
  };
  const server = createServer(HTTP_LIMITS, listener);
  server.maxConnections = 256;
  return {
    address: await listen(server, options.address),
    close: (grace = 1_000) => stopListening(server, grace),
  };
}

type OpsParts = Pick<Parameters<typeof startOpsServer>[0], 'metrics' | 'readiness'>;

async function answerMachine(parts: OpsParts, method: string, path: string): Promise<Answer> {
  const work = {
    '/livez': () => plain(200, 'ok'),
    '/readyz': () => readyz(parts.readiness),
    '/metrics': () => metrics(parts.metrics),
  }[path];
  if (work === undefined) return plain(404, 'There is /metrics, /livez and /readyz.');
  if (method !== 'GET' && method !== 'HEAD') return plain(405, 'Not in this way.', { allow: 'GET, HEAD' });
  return work();
}

async function metrics(read: OpsParts['metrics']): Promise<Answer> {
  const { contentType, text } = await read();
  return { status: 200, headers: { 'content-type': contentType }, body: text };
}

const CHECK_TIMEOUT = 2_000;

async function readyz(checks: OpsParts['readiness']): Promise<Answer> {
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
