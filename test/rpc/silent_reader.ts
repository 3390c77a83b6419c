import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { END_HEADERS, END_STREAM, FRAME, frame, headerBlock, PREFACE } from './http2_frames.ts';

/** An HTTP/2 peer that sends and never reads: what is answered to it stays in the vault. */
export interface SilentReader {
  readonly socket: Socket;
  /** Sends a whole request. */
  request(path: string, message?: Uint8Array, headers?: Readonly<Record<string, string>>): void;
}

/** SETTINGS_INITIAL_WINDOW_SIZE 0: the vault may send no byte of an answer. */
const NO_WINDOW = Buffer.of(0, 4, 0, 0, 0, 0);
/** `localAddress`: another address of loopback stands for another peer. */
export async function openSilentReader(address: string, localAddress = '127.0.0.1'): Promise<SilentReader> {
  const [host, port] = address.split(':');
  const socket = connect({ host: host ?? '', port: Number(port), localAddress });
  socket.on('error', () => undefined);
  await once(socket, 'connect');
  socket.pause();
  socket.write(Buffer.concat([Buffer.from(PREFACE), frame(FRAME.SETTINGS, 0, 0, NO_WINDOW)]));
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
      socket.write(frame(FRAME.HEADERS, END_HEADERS, stream, headerBlock(fields)));
      socket.write(frame(FRAME.DATA, END_STREAM, stream, lengthPrefixed(message)));
    },
  };
}

/** As gRPC frames a message: not compressed, its length, its bytes. */
export function lengthPrefixed(message: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}
