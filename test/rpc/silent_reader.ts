import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An HTTP/2 peer that sends and never reads: what is answered to it stays in the vault. */
export interface SilentReader {
  readonly socket: Socket;
  /** Sends a whole request. */
  request(path: string, message?: Uint8Array, headers?: Readonly<Record<string, string>>): void;
}

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
const DATA = 0;
const HEADERS = 1;
const SETTINGS = 4;
/** SETTINGS_INITIAL_WINDOW_SIZE 0: the vault may send no byte of an answer. */
const NO_WINDOW = Buffer.of(0, 4, 0, 0, 0, 0);
const END_STREAM = 1;
const END_HEADERS = 4;

/** `localAddress`: another address of loopback stands for another peer. */
export async function openSilentReader(address: string, localAddress = '127.0.0.1'): Promise<SilentReader> {
  const [host, port] = address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port), localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(SETTINGS, 0, 0, NO_WINDOW)]));
  let stream = -1;
  return {
    socket,
    request(path, message = new Uint8Array(), headers = {}) {
      stream += 2;
      const fields = {
        ':method': 'POST',
        ':scheme': 'http',
        ':path': path,
        ':authority': address,
        'content-type': 'application/grpc',
        te: 'trailers',
        ...headers,
      };
      const block = Buffer.concat(Object.entries(fields).map(([name, value]) => literal(name, value)));
      socket.write(frame(HEADERS, END_HEADERS, stream, block));
      socket.write(frame(DATA, END_STREAM, stream, lengthPrefixed(message)));
    },
  };
}

/** As gRPC frames a message: not compressed, its length, its bytes. */
export function lengthPrefixed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

/** RFC 9113, section 4.1. */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** RFC 7541, section 6.2.2: a literal without indexing, its texts without Huffman code. */
function literal(name: string, value: string): Buffer {
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  if (bytes.length < 127) return Buffer.concat([Buffer.of(bytes.length), bytes]);
  const length = [127];
  let rest = bytes.length - 127;
  for (; rest >= 128; rest >>= 7) length.push((rest & 127) | 128);
  return Buffer.concat([Buffer.of(...length, rest), bytes]);
}
