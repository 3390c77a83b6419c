import { createServer, type Server, type Socket } from 'node:net';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { expect, onTestFinished, test } from 'vitest';
import { webhookRequestOf } from '../../src/event_delivery/build_signed_webhook_request.ts';
import { createWebhookClient, type WebhookClient } from '../../src/event_delivery/webhook_client.ts';
import { HOUR, SECOND } from '../../src/model/clock.ts';
import { Secret } from '../../src/model/secret.ts';
import { makeCertificate } from './certificates.ts';
import { expiring, SECRET } from './delivery_setup.ts';
import { startReceiver, status } from './receiver.ts';

const never = new AbortController().signal;
const message = () =>
  webhookRequestOf(expiring(), { source: 'urn:tokenvault:test', secrets: [new Secret(SECRET)], sendTime: Date.now() });

function openClient(url: string, timeout = 10 * SECOND): WebhookClient {
  const client = createWebhookClient(url, timeout);
  onTestFinished(() => client.close());
  return client;
}

/** A server that responds by `respond`, not necessarily with HTTP. */
async function startSocket(respond: (socket: Socket) => void): Promise<string> {
  const sockets = new Set<Socket>();
  const server: Server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}));
    socket.once('data', () => respond(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
}

const failed = (error: string, retryAfter?: number) => ({ kind: 'failed', error, retryAfter });

test.each([301, 302, 303, 307, 308, 304])('follows no redirect (%s)', async (code) => {
  const elsewhere = await startReceiver(SECRET);
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(code, { location: elsewhere.url });

  expect(await openClient(receiver.url).send(message(), never)).toEqual(failed('redirect'));
  expect(elsewhere.received).toEqual([]);
});

test.each([200, 201, 202, 204, 299])('treats %s as delivered', async (code) => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(code);
  expect(await openClient(receiver.url).send(message(), never)).toEqual({ kind: 'delivered' });
});

test.each([400, 401, 404, 410, 413, 500, 502, 504])('treats %s as a failure', async (code) => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(code);
  expect(await openClient(receiver.url).send(message(), never)).toEqual(failed(`HTTP ${code}`));
});

test('reads only a small part of a response body', async () => {
  const receiver = await startReceiver(SECRET);
  let written = 0;
  const ended = Promise.withResolvers<void>();
  receiver.answer = (_, response) => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    response.on('close', () => ended.resolve());
    const write = () => {
      while (written < 10 * 2 ** 20) {
        written += chunk.length;
        if (!response.write(chunk)) return void response.once('drain', write);
      }
      response.end();
    };
    response.writeHead(200);
    write();
  };

  expect(await openClient(receiver.url).send(message(), never)).toEqual({ kind: 'delivered' });
  await ended.promise;
  expect(written).toBeLessThan(10 * 2 ** 20);
});

test('reuses connections after short responses', async () => {
  const receiver = await startReceiver(SECRET);
  const ports = new Set<number | undefined>();
  receiver.answer = (_, response) => {
    ports.add(response.socket?.remotePort);
    response.writeHead(200).end('thank you');
  };
  const client = openClient(receiver.url);
  for (let count = 0; count < 12; count += 1) await client.send(message(), never);
  expect(ports.size).toBeLessThanOrEqual(4);
});

test('times out without a response', async () => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = () => {};
  expect(await openClient(receiver.url, 100).send(message(), never)).toEqual(failed('timeout'));
});

test('times out if headers arrive byte by byte', async () => {
  const url = await startSocket((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nx: ');
    const drip = setInterval(() => socket.write('x'), 10);
    socket.on('close', () => clearInterval(drip));
  });
  expect(await openClient(url, 200).send(message(), never)).toEqual(failed('timeout'));
});

test.each([
  [200, { kind: 'delivered' }],
  [500, failed('HTTP 500')],
])('uses status %s if the body never completes', async (code, answer) => {
  const url = await startSocket((socket) => socket.write(`HTTP/1.1 ${code} X\r\ncontent-length: 10\r\n\r\nx`));
  expect(await openClient(url, 200).send(message(), never)).toEqual(answer);
});

test('uses the status if the body is truncated', async () => {
  const url = await startSocket((socket) => {
    socket.write('HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx', () => socket.resetAndDestroy());
  });
  expect(await openClient(url).send(message(), never)).toEqual({ kind: 'delivered' });
});

test('reports a reset connection and a response that is not HTTP as closed', async () => {
  const resetting = await startSocket((socket) => socket.resetAndDestroy());
  const closing = await startSocket((socket) => socket.end());
  const foreign = await startSocket((socket) => socket.end('220 mail.example ESMTP\r\n'));
  const endless = await startSocket((socket) => socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(64 * 1024)}`));
  for (const url of [resetting, closing, foreign, endless])
    expect(await openClient(url).send(message(), never)).toEqual(failed('closed'));
});

test('reports a refused connection and an unknown host', async () => {
  const url = await startSocket(() => {});
  const gone = new URL(url);
  gone.port = '1';
  expect(await openClient(gone.href).send(message(), never)).toEqual(failed('refused'));
  expect(await openClient('https://nobody.invalid/').send(message(), never)).toEqual(failed('dns'));
});

test('rejects an untrusted certificate, and one of another host', async () => {
  const trusted = makeCertificate('IP:127.0.0.1');
  const foreign = makeCertificate('DNS:elsewhere.example');
  const receiver = await startReceiver(SECRET, trusted);
  const otherHost = await startReceiver(SECRET, foreign);
  const plain = await startReceiver(SECRET);
  expect(await openClient(receiver.url).send(message(), never)).toEqual(failed('tls'));

  const usual = getCACertificates('default');
  onTestFinished(() => setDefaultCACertificates(usual));
  setDefaultCACertificates([...usual, trusted.cert, foreign.cert]);
  expect(await openClient(receiver.url).send(message(), never)).toEqual({ kind: 'delivered' });
  expect(await openClient(otherHost.url).send(message(), never)).toEqual(failed('tls'));
  expect(await openClient(plain.url.replace('http:', 'https:')).send(message(), never)).toEqual(failed('tls'));
  expect([otherHost.received, plain.received]).toEqual([[], []]);
});

test('ignores NODE_TLS_REJECT_UNAUTHORIZED', async () => {
  const receiver = await startReceiver(SECRET, makeCertificate('IP:127.0.0.1'));
  process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0';
  onTestFinished(() => void delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']);
  expect(await openClient(receiver.url).send(message(), never)).toEqual(failed('tls'));
});

test.each([
  ['TLSv1.2', { kind: 'delivered' }],
  ['TLSv1.1', failed('tls')],
] as const)('a sink with at most %s', async (maxVersion, answer) => {
  const certificate = makeCertificate('IP:127.0.0.1');
  const usual = getCACertificates('default');
  onTestFinished(() => setDefaultCACertificates(usual));
  setDefaultCACertificates([...usual, certificate.cert]);
  const ciphers = 'DEFAULT:@SECLEVEL=0';
  const receiver = await startReceiver(SECRET, { ...certificate, ciphers, minVersion: 'TLSv1', maxVersion });
  expect(await openClient(receiver.url).send(message(), never)).toEqual(answer);
});

test.each([
  [429, '30', 30 * SECOND],
  [503, '30', 30 * SECOND],
  [503, '86400', HOUR],
  [503, '9'.repeat(400), HOUR],
  [503, 'soon', undefined],
  [503, '-5', undefined],
  [503, '0', undefined],
  [503, 'Wed, 21 Oct 2015 07:28:00 GMT', undefined],
  [503, 'Wed, 21 Oct 2099 07:28:00 GMT', HOUR],
  [500, '30', undefined],
])('status %s with Retry-After %s', async (code, value, expected) => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = status(code, { 'retry-after': value });
  expect(await openClient(receiver.url).send(message(), never)).toEqual(failed(`HTTP ${code}`, expected));
});

test('an aborted attempt is not a failure of the sink', async () => {
  const receiver = await startReceiver(SECRET);
  receiver.answer = () => {};
  const stopping = new AbortController();
  const sent = openClient(receiver.url).send(message(), stopping.signal);
  await receiver.has(1);
  stopping.abort();
  expect(await sent).toEqual({ kind: 'aborted' });
});
