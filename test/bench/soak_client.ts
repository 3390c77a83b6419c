import { connect, type Socket } from 'node:net';
import { ACK, END_HEADERS, END_STREAM, FRAME, frame, HEAD_BYTES, headerBlock, PREFACE } from '../rpc/http2_frames.ts';
import { requestHeaders } from './load_client.ts';
import { quantile } from './statistics.ts';

/** Bursts of calls on one connection at a time, which is opened again when the server ends it. */
export interface SoakLoad {
  readonly port: number;
  readonly path: string;
  readonly apiKey: string;
  /** The frame of each request, as base64. */
  readonly frame: string;
  /** Bytes of a valid response. An error has none. */
  readonly answerBytes: number;
  /** Calls of a burst. */
  readonly streams: number;
  /** Milliseconds from one burst to the next. */
  readonly pause: number;
}

export interface SoakStep {
  /** Connections so far: the number of the one in use. */
  readonly connection: number;
  /** Whether the connection began in this step. */
  readonly isFirst: boolean;
  readonly answers: number;
  readonly failures: number;
  /** Microseconds. */
  readonly p50: number;
  readonly p99: number;
}

const WINDOW = 2 ** 31 - 1;
const DEFAULT_WINDOW = 65_535;
const REFILL = 2 ** 24;
/** SETTINGS_HEADER_TABLE_SIZE 0 and SETTINGS_INITIAL_WINDOW_SIZE. */
const SETTINGS = Buffer.concat([Buffer.of(0, 1, 0, 0, 0, 0), Buffer.of(0, 4), uint32(WINDOW)]);

/**
 * A client without node:http2, so that what grows with the age of its connection is the server's alone. It reads the lengths
 * of frames and ignores their headers.
 */
process.on('message', (message: { load?: SoakLoad; step?: true }) => {
  if (message.load !== undefined) open(message.load);
  if (message.step !== undefined) process.send?.({ stepped: step() });
});
process.channel?.ref();
process.send?.({ ready: true });

let connections = 0;
let isFirst = true;
let latencies: number[] = [];
let failures = 0;

function step(): SoakStep {
  const p = (fraction: number) => quantile(latencies, fraction);
  const taken = { connection: connections, isFirst, answers: latencies.length, failures, p50: p(0.5), p99: p(0.99) };
  [latencies, failures, isFirst] = [[], 0, false];
  return taken;
}

function open(load: SoakLoad): void {
  connections += 1;
  isFirst = true;
  const socket = connect({ host: '127.0.0.1', port: load.port, noDelay: true });
  const headers = headerBlock({ ':scheme': 'http', ':authority': '127.0.0.1', ...requestHeaders(load) });
  const body = Buffer.from(load.frame, 'base64');
  /** Of the burst in progress, by the place of its stream. */
  const bytes = new Float64Array(load.streams);
  let first = 1;
  let missing = 0;
  let sentTime = 0;
  let isDraining = false;

  socket.write(
    Buffer.concat([
      Buffer.from(PREFACE),
      frame(FRAME.SETTINGS, 0, 0, SETTINGS),
      frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(WINDOW - DEFAULT_WINDOW)),
    ]),
  );
  const timer = setInterval(burst, load.pause);

  function burst(): void {
    if (missing > 0 || isDraining) return;
    bytes.fill(0);
    missing = load.streams;
    const frames = Array.from({ length: load.streams }, (_, at) => {
      const stream = first + 2 * at;
      return [frame(FRAME.HEADERS, END_HEADERS, stream, headers), frame(FRAME.DATA, END_STREAM, stream, body)];
    });
    sentTime = performance.now();
    socket.write(Buffer.concat(frames.flat()));
  }

  function end(stream: number): void {
    const received = bytes[(stream - first) / 2] ?? 0;
    // A token that is refreshed ahead may have another size.
    if (received > load.answerBytes / 2) latencies.push((performance.now() - sentTime) * 1_000);
    else failures += 1;
    missing -= 1;
    if (missing > 0) return;
    first += 2 * load.streams;
    if (isDraining) socket.end();
  }

  readFrames(socket, {
    data: (stream, length) => {
      bytes[(stream - first) / 2] = (bytes[(stream - first) / 2] ?? 0) + length;
    },
    end,
    goAway() {
      isDraining = true;
      if (missing === 0) socket.end();
    },
  });
  socket.on('error', () => {});
  socket.once('close', () => {
    clearInterval(timer);
    failures += missing;
    open(load);
  });
}

interface FrameEvents {
  data(stream: number, length: number): void;
  end(stream: number): void;
  goAway(): void;
}

/** Calls `events`, and answers SETTINGS, PING and the window of the connection. */
function readFrames(socket: Socket, events: FrameEvents): void {
  let rest: Buffer = Buffer.alloc(0);
  let received = 0;
  socket.on('data', (chunk: Buffer) => {
    let left = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    for (;;) {
      const length = left.length < HEAD_BYTES ? 0 : left.readUIntBE(0, 3);
      if (left.length < HEAD_BYTES + length) break;
      read(left.readUInt8(3), left.readUInt8(4), left.readUInt32BE(5), left.subarray(HEAD_BYTES, HEAD_BYTES + length));
      left = left.subarray(HEAD_BYTES + length);
    }
    rest = left;
  });

  function read(type: number, flags: number, stream: number, payload: Buffer): void {
    if (type === FRAME.DATA) {
      events.data(stream, payload.length);
      received += payload.length;
      if (received > REFILL) {
        socket.write(frame(FRAME.WINDOW_UPDATE, 0, 0, uint32(received)));
        received = 0;
      }
    }
    const endsStream = (type === FRAME.DATA || type === FRAME.HEADERS) && (flags & END_STREAM) !== 0;
    if (endsStream || type === FRAME.RST_STREAM) events.end(stream);
    if (type === FRAME.SETTINGS && (flags & ACK) === 0) socket.write(frame(FRAME.SETTINGS, ACK, 0, Buffer.alloc(0)));
    if (type === FRAME.PING && (flags & ACK) === 0) socket.write(frame(FRAME.PING, ACK, 0, payload));
    if (type === FRAME.GOAWAY) events.goAway();
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
