import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type Http2Server,
  type IncomingHttpHeaders,
  type IncomingHttpStatusHeader,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { Metadata, status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { GetTenantRequestSchema } from '../../src/gen/tokenvault/v1/tenant_service_pb.ts';
import { VaultError } from '../../src/model/errors.ts';
import type { Peer } from '../../src/rpc/transport/peer_connection.ts';
import { createUnaryServer } from '../../src/rpc/transport/serve_unary_calls.ts';
import type { Respond, UnaryHandler, UnaryWire } from '../../src/rpc/transport/unary_handler.ts';
import { acme, startStage } from './stage.ts';

const PATH = '/test.Echo/Echo';
const LONGEST = 1_000;
const hello = Buffer.from('hello');

let server: Http2Server;
let session: ClientHttp2Session;
let handle: UnaryHandler;
/** Whether the last call was served without grpc-js. */
let isServed: boolean;

beforeEach(async () => {
  handle = (call, respond) => respond(null, call.request);
  const peer = { connection: '127.0.0.1:4711', getAuthContext: () => ({}) } as unknown as Peer;
  const unary = new Map([[PATH, ((call, respond) => handle(call, respond)) satisfies UnaryHandler]]);
  const serve = createUnaryServer([{ definition: {}, handlers: {}, unary }], LONGEST);
  server = createServer().on('stream', (stream, headers) => {
    isServed = serve(peer, stream, headers);
    if (!isServed) stream.respond({ ':status': 501 }, { endStream: true });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

afterEach(() => {
  session.destroy();
  server.close();
});

function prefixed(message: Uint8Array, compressed = 0): Buffer {
  const prefix = Buffer.of(compressed, 0, 0, 0, 0);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}

interface Answer {
  readonly headers: IncomingHttpHeaders & IncomingHttpStatusHeader;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: Buffer;
}

async function request(
  body: readonly Uint8Array[],
  more: Record<string, string> = {},
  { on = session, path = PATH } = {},
): Promise<Answer> {
  const stream = on.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', ...more });
  let trailers: IncomingHttpHeaders | undefined;
  const chunks: Buffer[] = [];
  stream.on('trailers', (received: IncomingHttpHeaders) => {
    trailers = received;
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  for (const bytes of body) stream.write(bytes);
  stream.end();
  const [headers] = (await once(stream, 'response')) as [Answer['headers']];
  if (!stream.closed) await once(stream, 'close');
  return { headers, trailers, body: Buffer.concat(chunks) };
}

async function statusOf(...args: Parameters<typeof request>): Promise<number> {
  const { headers, trailers } = await request(...args);
  return Number((trailers ?? headers)['grpc-status']);
}

test('a request of any length in any pieces arrives as it was sent', async () => {
  const pieces = fc.array(fc.uint8Array({ minLength: 1, maxLength: 60 }), { maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(pieces, fc.nat(20), async (parts, cut) => {
      const message = Buffer.concat(parts);
      const bytes = prefixed(message);
      const { trailers, body } = await request([bytes.subarray(0, cut), ...split(bytes.subarray(cut), parts)]);
      expect(trailers?.['grpc-status']).toBe('0');
      expect(body).toEqual(prefixed(message));
    }),
    { numRuns: 60 },
  );
});

/** In pieces of the lengths of `parts`, and the rest. */
function* split(bytes: Buffer, parts: readonly Uint8Array[]) {
  let at = 0;
  for (const { length } of parts) {
    yield bytes.subarray(at, at + length);
    at += length;
  }
  yield bytes.subarray(at);
}

test.each([
  ['has no message', [], status.UNIMPLEMENTED],
  ['has two messages', [prefixed(hello), prefixed(hello)], status.UNIMPLEMENTED],
  ['ends within the prefix', [Buffer.of(0, 0, 0)], status.INTERNAL],
  ['ends within the message', [prefixed(hello).subarray(0, 8)], status.INTERNAL],
  ['has a compressed message without naming the compression', [prefixed(hello, 1)], status.INTERNAL],
  ['is too long', [prefixed(Buffer.alloc(LONGEST + 1))], status.RESOURCE_EXHAUSTED],
  ['announces 4 GB', [Buffer.of(0, 255, 255, 255, 255)], status.RESOURCE_EXHAUSTED],
])('a request that %s gets a status, and no handler', async (_, body, code) => {
  let calls = 0;
  handle = (_call, respond) => {
    calls += 1;
    respond(null, hello);
  };
  expect(await statusOf(body)).toBe(code);
  expect(calls).toBe(0);
});

test('the longest request is served', async () => {
  expect(await statusOf([prefixed(Buffer.alloc(LONGEST))])).toBe(status.OK);
});

test.each([
  ['is compressed', { 'grpc-encoding': 'gzip' }],
  ['is no gRPC', { 'content-type': 'application/json' }],
  ['has another path', { ':path': '/test.Echo/Unknown' }],
])('a call that %s is left to grpc-js', async (_, headers) => {
  await request([prefixed(hello)], headers);
  expect(isServed).toBe(false);
});

test('the encoding identity is no compression', async () => {
  expect(await statusOf([prefixed(hello)], { 'grpc-encoding': 'identity' })).toBe(status.OK);
  expect(isServed).toBe(true);
});

test('an error has its status, its message percent-encoded, and its metadata', async () => {
  const metadata = new Metadata();
  metadata.set('grpc-status-details-bin', Buffer.of(1, 2, 255));
  handle = (_call, respond) => respond({ code: status.NOT_FOUND, details: 'Größe 100 %', metadata });
  const { headers, trailers, body } = await request([prefixed(hello)]);
  expect(headers).toMatchObject({
    ':status': 200,
    'grpc-status': '5',
    'grpc-message': 'Gr%C3%B6%C3%9Fe%20100%20%25',
    'grpc-status-details-bin': Buffer.of(1, 2, 255).toString('base64'),
  });
  expect([trailers, body.length]).toEqual([undefined, 0]);
});

test('a handler that throws is answered INTERNAL without its message, and the next call is served', async () => {
  handle = () => {
    throw new Error('secret');
  };
  const { headers } = await request([prefixed(hello)]);
  expect(headers['grpc-status']).toBe(String(status.INTERNAL));
  expect(JSON.stringify(headers)).not.toContain('secret');
  handle = (call, respond) => respond(null, call.request);
  expect(await statusOf([prefixed(hello)])).toBe(status.OK);
});

test('only the first answer is sent', async () => {
  handle = (_call, respond) => {
    respond(null, hello);
    respond({ code: status.INTERNAL, details: 'late' });
    respond(null, Buffer.from('again'));
  };
  expect((await request([prefixed(hello)])).body).toEqual(prefixed(hello));
});

describe('a call that its handler has not answered', () => {
  let opened: PromiseWithResolvers<{ call: UnaryWire; respond: Respond; cancelled: Promise<void> }>;

  beforeEach(() => {
    opened = Promise.withResolvers();
    handle = (call, respond) => {
      const { promise: cancelled, resolve } = Promise.withResolvers<void>();
      call.on('cancelled', resolve);
      opened.resolve({ call, respond, cancelled });
    };
  });

  test('ends with DEADLINE_EXCEEDED at its deadline, and drops the late answer', async () => {
    const answer = request([prefixed(hello)], { 'grpc-timeout': '20m' });
    const { call, respond, cancelled } = await opened.promise;
    await cancelled;
    expect(call.cancelled).toBe(true);
    respond(null, hello);
    const { headers, trailers } = await answer;
    expect([headers['grpc-status'], trailers]).toEqual([String(status.DEADLINE_EXCEEDED), undefined]);
  });

  test('knows its deadline, its peer and its headers', async () => {
    const before = Date.now();
    const answer = request([prefixed(hello)], { 'grpc-timeout': '5S', traceparent: '00-a-b-01' });
    const { call, respond } = await opened.promise;
    expect(Number(call.getDeadline()) - before).toBeGreaterThanOrEqual(5_000);
    expect(call.getPeer()).toBe('127.0.0.1:4711');
    expect([call.metadata.get('traceparent'), call.metadata.get('authorization')]).toEqual([['00-a-b-01'], []]);
    respond(null, hello);
    await answer;
  });

  test('has no deadline unless the client sets one', async () => {
    const answer = request([prefixed(hello)]);
    const { call, respond } = await opened.promise;
    expect(call.getDeadline()).toBe(Number.POSITIVE_INFINITY);
    respond(null, hello);
    await answer;
  });

  test('is cancelled when the client resets the stream', async () => {
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined);
    stream.end(prefixed(hello));
    const { call, respond, cancelled } = await opened.promise;
    expect(call.cancelled).toBe(false);
    stream.close();
    await cancelled;
    expect(call.cancelled).toBe(true);
    respond(null, hello);
  });

  test('is cancelled when the connection breaks', async () => {
    const stream = session.request({ ':method': 'POST', ':path': PATH, 'content-type': 'application/grpc' });
    stream.on('error', () => undefined);
    stream.end(prefixed(hello));
    const { respond, cancelled } = await opened.promise;
    session.destroy();
    await cancelled;
    respond(null, hello);
  });

  test('tells its listeners that it ended after its answer, too', async () => {
    const answer = request([prefixed(hello)]);
    const { respond, cancelled } = await opened.promise;
    respond(null, hello);
    await answer;
    await cancelled;
  });
});

test('a deadline that passes before the request is complete reaches no handler', async () => {
  let calls = 0;
  handle = () => {
    calls += 1;
  };
  const stream = session.request({
    ':method': 'POST',
    ':path': PATH,
    'content-type': 'application/grpc',
    'grpc-timeout': '10m',
  });
  stream.write(prefixed(hello).subarray(0, 7));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  expect(headers['grpc-status']).toBe(String(status.DEADLINE_EXCEEDED));
  stream.end(prefixed(hello).subarray(7));
  await once(stream.resume(), 'close');
  expect(calls).toBe(0);
});

describe('the answer of the vault', () => {
  const message = toBinary(GetTenantRequestSchema, create(GetTenantRequestSchema, { name: 'tenants/acme' }));
  const missing = new VaultError('TENANT_NOT_FOUND', 'The tenant tenants/acme does not exist.');

  test.each([
    ['OK', async () => acme],
    ['an error', () => Promise.reject(missing)],
  ])('%s is the same as by grpc-js, which gets compressed requests', async (_, get) => {
    const stage = await startStage({ tenants: { get } });
    const on = connect(`http://${stage.address}`);
    const path = '/tokenvault.v1.TenantService/GetTenant';
    const plain = await request([prefixed(message)], {}, { on, path });
    const compressed = await request([prefixed(gzipSync(message), 1)], { 'grpc-encoding': 'gzip' }, { on, path });
    on.destroy();
    await stage.close();
    for (const { headers } of [plain, compressed]) delete headers.date;
    expect(plain).toEqual(compressed);
  });
});
