import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer,
  type Http2Server,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createStreamsReplacement } from '../../src/rpc/transport/replace_streams_of_session.ts';
import { StreamsById } from '../../src/rpc/transport/streams_by_id.ts';
import { recordingLog } from './stage.ts';

const UNTESTED = '99.0.0';
const SLOW = { timeout: 60_000 };

let log: ReturnType<typeof recordingLog>;
let server: Http2Server;
let client: ClientHttp2Session;
/** Of the server. */
let streams: ServerHttp2Stream[];

beforeEach(async () => {
  log = recordingLog();
  streams = [];
  server = createServer().on('stream', (stream: ServerHttp2Stream) => {
    streams.push(stream);
    stream.on('error', () => {});
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  client.destroy();
  server.close();
});

async function open(): Promise<ServerHttp2Session> {
  const opened = once(server, 'session');
  client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  client.on('error', () => {});
  const [session] = await opened;
  return session as ServerHttp2Session;
}

/** Requests that the server has, and has not answered. */
async function request(count: number): Promise<ClientHttp2Stream[]> {
  const sent = Array.from({ length: count }, () => client.request().on('error', () => {}));
  while (streams.length < count) await once(server, 'stream');
  return sent;
}

function streamsOf(session: ServerHttp2Session): { readonly size: number } {
  const state = Object.getOwnPropertySymbols(session).find(({ description }) => description === 'state');
  return (
    (session as unknown as Record<symbol, { streams: { size: number } }>)[state ?? Symbol()]?.streams ?? { size: -1 }
  );
}

test('streams are served, and a session that was closed ends after the last one', SLOW, async () => {
  server.on('session', createStreamsReplacement({ log }));
  const session = await open();
  const sent = await request(3);
  const ended = Promise.all([once(session, 'close'), ...sent.map((stream) => once(stream.resume(), 'close'))]);

  session.close();
  for (const stream of streams) stream.respond({ ':status': 200 }, { endStream: true });
  await ended;

  expect(streamsOf(session)).toBeInstanceOf(StreamsById);
  expect(streamsOf(session).size).toBe(0);
  expect(log.events).toEqual([]);
});

test('the end of a connection ends its open streams', SLOW, async () => {
  server.on('session', createStreamsReplacement({ log }));
  const session = await open();
  await request(3);
  const ended = streams.map((stream) => once(stream, 'close'));

  session.destroy();

  await Promise.all(ended);
  expect(streamsOf(session)).toBeInstanceOf(StreamsById);
});

test('sessions of an untested version keep their Map, serve, and are reported once', SLOW, async () => {
  const replace = createStreamsReplacement({ log, version: UNTESTED });
  server.on('session', replace);
  const session = await open();
  const [sent] = await request(1);
  replace(session);

  streams[0]?.respond({ ':status': 200 }, { endStream: true });
  const [headers] = await once(sent as ClientHttp2Stream, 'response');

  expect(headers[':status']).toBe(200);
  expect(streamsOf(session)).not.toBeInstanceOf(StreamsById);
  expect(log.events.map(({ name }) => name)).toEqual(['http2_streams_map_not_replaced']);
});

test('a session keeps the streams that it has', SLOW, async () => {
  const session = await open();
  await request(2);

  createStreamsReplacement({ log })(session);

  expect(streamsOf(session).size).toBe(2);
  expect(streamsOf(session)).not.toBeInstanceOf(StreamsById);
  expect(log.events).toHaveLength(1);
});
