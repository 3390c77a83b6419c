import type { ServerResponse } from 'node:http';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createJsonHttp, type JsonHttp } from '../../src/entra/json_http_client.ts';
import { createMovableClock } from './fixtures.ts';
import { json, startTokenEndpoint, type TokenEndpoint } from './token_endpoint.ts';

let endpoint: TokenEndpoint;
let http: JsonHttp;
beforeEach(async () => {
  endpoint = await startTokenEndpoint();
  http = createJsonHttp({ clock: createMovableClock(), options: { maxBody: 1024, connections: 8 } });
});
afterEach(async () => {
  await http.close();
  await endpoint.close();
});

const post = (timeout = 5000) =>
  http.send(`${endpoint.url}/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'a=b',
    timeout,
    correlationId: '33333333-3333-3333-3333-333333333333',
  });

test('connections are reused', async () => {
  const ports = new Set<number | undefined>();
  endpoint.answer((_, response) => {
    ports.add(response.socket?.remotePort);
    json(response, 200, {});
  });
  for (let i = 0; i < 20; i++) await post();
  // Two, because a request may start before the last connection is free again.
  expect(ports.size).toBeLessThanOrEqual(2);
});

test('a body up to the limit is read, one byte more is not', async () => {
  const body = (length: number) => ({ padding: 'x'.repeat(length - JSON.stringify({ padding: '' }).length) });
  endpoint.answer((_, response) => json(response, 200, body(1024)));
  expect(await post()).toMatchObject({ status: 200, fault: undefined });
  endpoint.answer((_, response) => json(response, 200, body(1025)));
  expect(await post()).toMatchObject({ status: 200, fault: 'too_large', body: undefined });
});

test('an endless body is cut off at the limit', async () => {
  const cut = new Promise<void>((resolve) => {
    endpoint.answer((_, response) => {
      response.once('close', resolve);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write('x'.repeat(4096));
    });
  });
  expect((await post()).fault).toBe('too_large');
  await cut;
});

test.each([301, 302, 303, 307, 308])('a %i is not followed', async (status) => {
  endpoint.answer((_, response) => void response.writeHead(status, { location: '/elsewhere' }).end());
  expect(await post()).toMatchObject({ status, fault: 'redirect' });
  expect(endpoint.requests).toHaveLength(1);
});

test.each(['<html></html>', '', '[]', 'null', '"text"', '{"a":', '\u0000'])('%j is not a response', async (text) => {
  endpoint.answer((_, response) => void response.writeHead(200).end(text));
  expect(await post()).toMatchObject({ fault: 'not_json', body: undefined });
});

test('the timeout covers the whole request, including a slow body', async () => {
  endpoint.answer((_, response) => {
    response.writeHead(200);
    const drip = setInterval(() => response.write(' '), 20);
    response.once('close', () => clearInterval(drip));
  });
  expect(await post(150)).toMatchObject({ status: 200, fault: 'timeout' });
});

test('a port without a listener is a closed connection', async () => {
  await endpoint.close();
  expect(await post()).toMatchObject({ status: undefined, fault: 'closed' });
  endpoint = await startTokenEndpoint();
});

test('https without a trusted certificate is a closed connection, and no secret is sent', async () => {
  const answer = await http.send(endpoint.url.replace('http:', 'https:'), {
    method: 'POST',
    headers: {},
    body: 'client_secret=s',
    timeout: 2000,
    correlationId: '33333333-3333-3333-3333-333333333333',
  });
  expect(answer.fault).toBe('closed');
  expect(endpoint.requests).toEqual([]);
});

test('the response has the correlation id, Retry-After and Date', async () => {
  endpoint.answer((_, response) => void response.writeHead(429, { 'retry-after': '7' }).end('slow down'));
  const answer = await post();
  expect(answer).toMatchObject({ status: 429, retryAfter: '7', correlationId: '33333333-3333-3333-3333-333333333333' });
  expect(Date.parse(answer.date ?? '')).toBeGreaterThan(0);
  expect(endpoint.requests[0]?.headers['client-request-id']).toBe(answer.correlationId);
});

test('an informational response is not the response', async () => {
  endpoint.answer((_, response) => {
    response.writeProcessing();
    response.socket?.end();
  });
  expect(await post()).toMatchObject({ status: undefined, fault: 'closed' });
});

test('a request that expires while it waits for a connection is not sent', async () => {
  await http.close();
  http = createJsonHttp({ clock: createMovableClock(), options: { maxBody: 1024, connections: 1 } });
  const arrived = Promise.withResolvers<ServerResponse>();
  endpoint.answer((_, response) => arrived.resolve(response));
  const first = post();
  const second = post(1);
  const response = await arrived.promise;
  // Its timer fires before this one.
  await new Promise((resolve) => setTimeout(resolve, 5));
  json(response, 200, {});

  expect(await first).toMatchObject({ status: 200 });
  expect(await second).toMatchObject({ status: undefined, fault: 'timeout' });
  expect(endpoint.requests).toHaveLength(1);
});

test('a body in several pieces is read as UTF-8', async () => {
  const bytes = Buffer.from(JSON.stringify({ name: 'Zoë' }));
  const inCharacter = bytes.indexOf(0xc3) + 1;
  endpoint.answer((_, response) => {
    response.write(bytes.subarray(0, inCharacter), () => response.end(bytes.subarray(inCharacter)));
  });
  expect(await post()).toMatchObject({ body: { name: 'Zoë' } });
});
