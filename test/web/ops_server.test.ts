import { mkdtempSync } from 'node:fs';
import { request } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, expect, test, vi } from 'vitest';
import type { ReadinessCheck } from '../../src/telemetry/run_readiness_checks.ts';
import { type OpsServer, startOpsServer } from '../../src/web/probe_and_metrics_server.ts';
import { HEALTHY, statusPageOf } from './sample_status.ts';

const statusPage = statusPageOf(HEALTHY);

let ops: OpsServer | undefined;

afterEach(() => ops?.close());

async function start(
  readiness: Record<string, ReadinessCheck> = {},
  metrics = async () => ({ contentType: 'text/plain', text: 'a 1\n' }),
  page = statusPage,
) {
  ops = await startOpsServer({ address: '127.0.0.1:0', metrics, readiness, statusPage: page });
  return (path: string, method = 'GET') => fetch(`http://${ops?.address}${path}`, { method });
}

test('is live as long as it answers', async () => {
  const get = await start({ database: () => Promise.reject(new Error('gone')) });
  expect((await get('/livez')).status).toBe(200);
});

test('is ready if every check passes, and lists each by name', async () => {
  const get = await start({ keys: () => undefined, database: async () => undefined });
  const answer = await get('/readyz');
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\nkeys: ok\ndatabase: ok\n']);
});

test('is ready while a check reports degraded', async () => {
  const get = await start({ database: () => undefined, changes: async () => 'degraded' });
  const answer = await get('/readyz');
  expect([answer.status, await answer.text()]).toEqual([200, 'ok\ndatabase: ok\nchanges: degraded\n']);
});

test.each(['/metrics', '/readyz', '/status'])('concurrent requests for %s cost as much as one', async (path) => {
  const gate = Promise.withResolvers<void>();
  let asked = 0;
  const ask = async () => {
    asked += 1;
    await gate.promise;
  };
  const metrics = async () => {
    await ask();
    return { contentType: 'text/plain', text: 'a 1\n' };
  };
  const read = async (count: number) => {
    await ask();
    return statusPage.status.read(count);
  };
  await start({ database: ask }, metrics, { ...statusPage, status: { read } });
  const [host, port] = ops?.address.split(':') ?? [];
  const socket = connect({ host, port: Number(port) });
  // Pipelined, so that the server has all of them at the same time.
  const head = `GET ${path} HTTP/1.1\r\nHost: ops\r\n`;
  socket.write(`${`${head}\r\n`.repeat(19)}${head}Connection: close\r\n\r\n`);
  await expect.poll(() => asked).toBe(1);
  gate.resolve();
  const answers = await text(socket);
  expect(answers.match(/^HTTP\/1\.1 200 /gm)).toHaveLength(20);
  expect(asked).toBe(1);
});

test('is not ready if one fails, and does not say why', async () => {
  const get = await start({
    keys: () => undefined,
    database: () => Promise.reject(new Error('postgres://user:password@host')),
    audit: () => {
      throw new Error('disk');
    },
  });
  const answer = await get('/readyz');
  expect([answer.status, await answer.text()]).toEqual([
    503,
    'not ready\nkeys: ok\ndatabase: failing\naudit: failing\n',
  ]);
});

test('returns the metrics unchanged', async () => {
  const get = await start({});
  const answer = await get('/metrics');
  expect([answer.status, answer.headers.get('content-type'), await answer.text()]).toEqual([
    200,
    'text/plain',
    'a 1\n',
  ]);
});

test('failing metrics are a plain 500', async () => {
  const get = await start({}, () => Promise.reject(new Error('canary')));
  const answer = await get('/metrics');
  expect([answer.status, (await answer.text()).includes('canary')]).toEqual([500, false]);
});

test('probes are answered while the status page waits', async () => {
  const gate = Promise.withResolvers<void>();
  const read = vi.fn(async (count: number) => {
    await gate.promise;
    return statusPage.status.read(count);
  });
  const get = await start({}, undefined, { ...statusPage, status: { read } });
  const page = get('/status');
  await expect.poll(() => read.mock.calls.length).toBe(1);

  expect((await get('/livez')).status).toBe(200);
  expect((await get('/readyz')).status).toBe(200);
  gate.resolve();
  expect(await (await page).text()).toContain('nothing needs attention');
});

test('has four addresses and two methods', async () => {
  const get = await start();
  const nothing = await get('/');
  expect([nothing.status, await nothing.text()]).toEqual([
    404,
    'Not found. The paths are /status, /metrics, /livez and /readyz.\n',
  ]);
  expect((await get('/status', 'HEAD')).status).toBe(200);
  expect((await get('/constructor')).status).toBe(404);
  expect((await get('/livez', 'POST')).status).toBe(405);
  expect((await get('/readyz', 'HEAD')).status).toBe(200);
});

test('listens on a unix socket too', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'ops-')), 'socket');
  ops = await startOpsServer({
    address: `unix:${path}`,
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    readiness: {},
    statusPage,
  });
  expect(ops.address).toBe(`unix:${path}`);
  const status = await new Promise((resolve, reject) => {
    request({ socketPath: path, path: '/livez' }, (response) => resolve(response.statusCode))
      .on('error', reject)
      .end();
  });
  expect(status).toBe(200);
});

test('reports a port that is already in use', async () => {
  await start();
  const again = startOpsServer({
    address: ops?.address ?? '',
    metrics: async () => ({ contentType: 'text/plain', text: '' }),
    readiness: {},
    statusPage,
  });
  await expect(again).rejects.toMatchObject({ reason: 'FIELD_INVALID' });
});
