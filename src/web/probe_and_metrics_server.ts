import { createServer } from 'node:http';
import { listen, stopListening } from '../listeners/start_and_stop_listening.ts';
import type { ListenAddress } from '../model/listen_address.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import { type ReadinessCheck, runChecks } from '../telemetry/run_readiness_checks.ts';
import { type HttpResponse, plain } from './http_response.ts';
import { HTTP_LIMITS, serveRequests } from './serve_http_requests.ts';
import { type StatusPageParts, statusResponse } from './status_page/status_response.ts';

export type OpsServer = Awaited<ReturnType<typeof startOpsServer>>;

/** The listener for probes, Prometheus and people: `/livez`, `/readyz`, `/metrics`, `/status`. */
export async function startOpsServer(options: {
  readonly address: ListenAddress;
  readonly metrics: () => Promise<{ readonly contentType: string; readonly text: string }>;
  /** By the names that `/readyz` shows. It does not say why one fails. */
  readonly readiness: Readonly<Record<string, ReadinessCheck>>;
  readonly statusPage: StatusPageParts;
  /** Default: 256. */
  readonly maxConnections?: number | undefined;
}) {
  const responses: Readonly<Record<string, () => Promise<HttpResponse>>> = {
    '/livez': async () => plain(200, 'ok'),
    // These query the database: concurrent requests share one run.
    '/status': runOnceAtATime(() => statusResponse(options.statusPage)),
    '/readyz': runOnceAtATime(() => readyz(options.readiness)),
    '/metrics': runOnceAtATime(async () => {
      const { contentType, text } = await options.metrics();
      return { status: 200, headers: { 'content-type': contentType }, body: text };
    }),
  };
  const server = createServer(HTTP_LIMITS);
  const headers = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };
  const { maxConnections = 256 } = options;
  serveRequests(server, { maxConnections, headers }, async ({ method = '', url = '' }) => {
    const respond = responses[url.split('?')[0] ?? ''];
    if (respond === undefined) return plain(404, 'Not found. The paths are /status, /metrics, /livez and /readyz.');
    if (!['GET', 'HEAD'].includes(method)) return plain(405, 'Method not allowed.', { allow: 'GET, HEAD' });
    return respond().catch(() => plain(500, 'Internal error.'));
  });
  return {
    address: await listen(server, options.address),
    close: (grace = 1_000) => stopListening(server, grace),
  };
}

async function readyz(checks: Readonly<Record<string, ReadinessCheck>>): Promise<HttpResponse> {
  const results = await runChecks(checks);
  const lines = results.map(({ name, state }) => `${name}: ${state}`);
  const ready = results.every(({ state }) => state !== 'failing');
  return plain(ready ? 200 : 503, [ready ? 'ok' : 'not ready', ...lines].join('\n'));
}
