import { once } from 'node:events';
import { connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { afterEach, describe, expect, test } from 'vitest';
import {
  Health,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from '../../src/gen/grpc/health/v1/health_pb.ts';
import { GetAccessTokenRequestSchema, TokenService } from '../../src/gen/tokenvault/v1/token_service_pb.ts';
import type { ClientOptions } from '../../src/rpc/grpc_client.ts';
import type { TransportLimit } from '../../src/rpc/transport/peer_connection.ts';
import { lengthPrefixed, openSilentReader, type SilentReader } from './silent_reader.ts';
import {
  caller,
  freshToken,
  replaceableCallers,
  type Stage,
  type StageOptions,
  startStage,
  switchable,
} from './stage.ts';

const WATCH = '/grpc.health.v1.Health/Watch';
const GET = '/tokenvault.v1.TokenService/GetAccessToken';
const connection = 'tenants/acme/connections/ada';
const GET_ADA = toBinary(GetAccessTokenRequestSchema, create(GetAccessTokenRequestSchema, { connection }));
/** A channel of its own: its connection is shared with no other client. */
const OWN = { channel: { 'grpc.use_local_subchannel_pool': 1, 'grpc.enable_retries': 0 } };

/** A guard against what hangs: everything that is waited for comes by an event. */
const SLOW = { timeout: 60_000 };

const mail = caller('mail', 'token_reader', 'acme');

let stage: Stage;
let limits: TransportLimit[];
const readers: SilentReader[] = [];

afterEach(async () => {
  for (const { socket } of readers.splice(0)) socket.destroy();
  await stage.close();
});

async function start(options: StageOptions = {}): Promise<void> {
  limits = [];
  stage = await startStage({
    keys: [mail.known],
    accessTokens: { get: () => freshToken() },
    ...options,
    server: { onLimit: (limit) => void limits.push(limit), ...options.server },
  });
}

async function open(localAddress?: string): Promise<SilentReader> {
  const reader = await openSilentReader(stage.address, localAddress);
  readers.push(reader);
  return reader;
}

/** A health watch. */
function watch(options: ClientOptions) {
  return stage.client(Health, options).watch({})[Symbol.asyncIterator]();
}

/** Peers without a key: each holds as many health watches as it can, and comes back when its connection is closed. */
function startFlood(peers: number): { stop(): void } {
  let isRunning = true;
  const hold = async () => {
    while (isRunning) {
      const reader = await open();
      for (let stream = 0; stream < 8; stream += 1) reader.request(WATCH);
      await isClosed(reader);
      readers.splice(readers.indexOf(reader), 1);
      await pause(3_000);
    }
  };
  // Those that connect while the listener closes are refused.
  for (let count = 0; count < peers; count += 1) void hold().catch(() => undefined);
  return {
    stop() {
      isRunning = false;
    },
  };
}

/** A caller with a connection of its own, which watches the health of the vault before it calls. */
function openCaller(address: string, apiKey: string) {
  const session = connectHttp2(`http://${address}`);
  session.on('error', () => undefined);
  const call = (path: string, message: Uint8Array, headers = {}) => {
    const grpc = { ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers', ...headers };
    const stream = session.request(grpc);
    stream.end(lengthPrefixed(message));
    return stream;
  };
  return {
    session,
    watched: call(WATCH, new Uint8Array())[Symbol.asyncIterator]() as AsyncIterator<Buffer>,
    async getAccessToken(message: Uint8Array) {
      const stream = call(GET, message, { authorization: `Bearer ${apiKey}` });
      const [headers] = (await once(stream.resume(), 'trailers')) as [IncomingHttpHeaders];
      return headers['grpc-status'];
    },
  };
}

function isServing({ value }: IteratorResult<Buffer, unknown>): boolean {
  return Buffer.isBuffer(value) && fromBinary(HealthCheckResponseSchema, value.subarray(5)).status === Serving.SERVING;
}

async function inBatches<Item, Result>(items: readonly Item[], size: number, work: (item: Item) => Promise<Result>) {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += size)
    results.push(...(await Promise.all(items.slice(at, at + size).map(work))));
  return results;
}

const isClosed = ({ socket }: SilentReader) => once(socket.resume(), 'close');
const isReached = (limit: TransportLimit) => expect.poll(() => limits, SLOW).toContain(limit);

describe('a connection without an authenticated call', () => {
  test('has 8 streams of health and reflection; further ones are UNAVAILABLE', async () => {
    await start();
    const health = stage.client(Health, OWN);
    const watches = Array.from({ length: 9 }, () => health.watch({})[Symbol.asyncIterator]());

    const first = await Promise.allSettled(watches.map((one) => one.next()));

    expect(first.filter(({ status }) => status === 'fulfilled')).toHaveLength(8);
    expect(first.find(({ status }) => status === 'rejected')).toMatchObject({ reason: { code: 'UNAVAILABLE' } });
    await watches[0]?.return?.(undefined);
    await expect.poll(() => health.check({}).catch(() => undefined), SLOW).toMatchObject({ status: Serving.SERVING });
  });

  test('counts as one again when its caller is removed', async () => {
    const callers = replaceableCallers(mail.known);
    await start({ callers, server: { unauthenticated: { connections: 1, connectionsPerAddress: 1 } } });
    const ofMail = openCaller(stage.address, mail.key);
    expect(await ofMail.getAccessToken(GET_ADA)).toBe('0');
    const other = await open();
    other.request(WATCH);
    await once(other.socket.resume(), 'data');
    expect([limits, ofMail.session.closed]).toEqual([[], false]);

    const closed = new Promise((resolve) => other.socket.once('close', resolve));
    callers.replace();

    await closed;
    expect(limits).toContain('unauthenticated_connections');
    ofMail.session.destroy();
  });

  test('has no such limit after an authenticated call', async () => {
    const { readiness, listeners } = switchable();
    await start({ readiness });
    const reader = await open();
    reader.request(GET, GET_ADA, { authorization: `Bearer ${mail.key}` });
    for (let count = 0; count < 20; count += 1) reader.request(WATCH);

    await expect.poll(() => listeners.size, SLOW).toBe(20);
    expect(limits).toEqual([]);
  });

  test('is closed at the limit of its address, oldest first', async () => {
    await start({ server: { unauthenticated: { connections: 10, connectionsPerAddress: 3 } } });
    const other = await open('127.0.0.2');
    const oldest = await open('127.0.0.3');
    const closed = isClosed(oldest);
    for (let count = 0; count < 3; count += 1) await open('127.0.0.3');

    await closed;
    expect(limits).toEqual(['unauthenticated_connections']);
    expect(other.socket.readyState).toBe('open');
  });

  test('is closed at the total limit, the oldest of the address with the most', async () => {
    await start({ server: { unauthenticated: { connections: 4, connectionsPerAddress: 3 } } });
    const other = await open('127.0.0.2');
    const oldest = await open('127.0.0.3');
    const closed = isClosed(oldest);
    for (let count = 0; count < 2; count += 1) await open('127.0.0.3');
    const third = await open('127.0.0.4');

    await closed;
    expect([other.socket.readyState, third.socket.readyState]).toEqual(['open', 'open']);
  });

  test('no longer counts once it is authenticated', async () => {
    await start({ server: { unauthenticated: { connections: 2, connectionsPerAddress: 2 } } });
    const options = { ...OWN, apiKey: mail.key };
    const clients = Array.from({ length: 5 }, () => stage.client(TokenService, options));
    for (const client of clients) await client.getAccessToken({ connection });
    for (const client of clients) await client.getAccessToken({ connection });

    expect(limits).toEqual([]);
  });

  test('ends its newest stream for another address at 1,024 streams in total', async () => {
    const { readiness, listeners } = switchable();
    await start({ readiness, server: { unauthenticated: { connections: 256, connectionsPerAddress: 128 } } });
    for (let count = 0; count < 128; count += 1) {
      const reader = await open('127.0.0.2');
      for (let stream = 0; stream < 8; stream += 1) reader.request(WATCH);
    }
    await expect.poll(() => listeners.size, SLOW).toBe(1_024);

    const other = watch(OWN);

    expect((await other.next()).value).toMatchObject({ status: Serving.SERVING });
    expect(limits).toEqual(['unauthenticated_streams']);
    expect(listeners.size).toBe(1_024);
    const more = await open('127.0.0.2');
    more.request(WATCH);
    await expect.poll(() => limits, SLOW).toHaveLength(2);
    expect(listeners.size).toBe(1_024);
  });

  test('that sends nothing is closed in time, and other connections stay', async () => {
    await start({ server: { prefaceTimeout: 300 } });
    const [host, port] = stage.address.split(':');
    const client = stage.client(TokenService, { ...OWN, apiKey: mail.key });
    await client.getAccessToken({ connection });
    const silent = connect(Number(port), host);

    await once(silent.resume(), 'close');

    expect(limits).toEqual(['preface']);
    await client.getAccessToken({ connection });
  });
});

describe('a caller that does not read', () => {
  test('gets no more responses than its connection may buffer', async () => {
    let answers = 0;
    const get = () => {
      answers += 1;
      return freshToken('x'.repeat(60_000));
    };
    await start({ accessTokens: { get } });
    const reader = await open();
    for (let count = 0; count < 120; count += 1) reader.request(GET, GET_ADA, { authorization: `Bearer ${mail.key}` });
    await isReached('unread_answers');

    const other = stage.client(TokenService, { ...OWN, apiKey: mail.key });

    expect((await other.getAccessToken({ connection })).accessToken).toHaveLength(60_000);
    expect(answers).toBeLessThan(30);
  });
});

describe('behind one address', () => {
  const CALLERS = 1_000;
  const PEERS = 500;

  test('1,000 callers with a health watch each are served while 500 peers without a key flood', async () => {
    const { readiness, become } = switchable();
    const callers = Array.from({ length: CALLERS }, (_, at) => caller(`c${at}`, 'token_reader', 'acme'));
    await start({
      keys: callers.map(({ known }) => known),
      readiness,
      server: { unauthenticated: { connections: 256, connectionsPerAddress: undefined } },
    });
    const flood = startFlood(PEERS);
    await isReached('unauthenticated_streams');

    const served = await inBatches(callers, 50, async ({ key }) => {
      const one = openCaller(stage.address, key);
      const isHealthy = isServing(await one.watched.next());
      return { ...one, isServed: isHealthy && (await one.getAccessToken(GET_ADA)) === '0' };
    });

    expect(served.filter(({ isServed }) => isServed)).toHaveLength(CALLERS);
    become(false);
    const changed = await Promise.all(served.map(({ watched }) => watched.next()));
    expect(changed.filter((change) => !isServing(change))).toHaveLength(CALLERS);
    for (const { session } of served) session.destroy();
    flood.stop();
  }, 240_000);
});
