import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A company's proxy: it opens tunnels (CONNECT), and resolves names of its own. */
export interface ConnectProxy {
  readonly port: number;
  /** `host:port` of each requested tunnel, with the proxy authorization. */
  readonly requests: { readonly target: string; readonly authorization: string | undefined }[];
  /** All bytes from the client, in latin1. */
  readonly passed: () => string;
  /** Response instead of a tunnel; undefined: tunnels again. */
  answer(respond: ((socket: Duplex) => void) | undefined): void;
  close(): Promise<void>;
}

/** `hosts`: ports on loopback by name. */
export async function startConnectProxy(hosts: Readonly<Record<string, number>>): Promise<ConnectProxy> {
  const asked: ConnectProxy['requests'] = [];
  const sockets = new Set<Duplex>();
  let passed = '';
  let respond: ((socket: Duplex) => void) | undefined;
  const server = createServer().on('connect', (request: IncomingMessage, socket: Socket) => {
    sockets.add(socket);
    const target = request.url ?? '';
    asked.push({ target, authorization: request.headers['proxy-authorization'] });
    socket.on('error', () => socket.destroy());
    if (respond !== undefined) return respond(socket);
    const port = hosts[target.replace(/:\d+$/, '')];
    if (port === undefined) return void socket.end('HTTP/1.1 502 Bad Gateway\r\n\r\n');
    const tunnel = connect(port, '127.0.0.1', () => socket.write('HTTP/1.1 200 Connection Established\r\n\r\n'));
    tunnel.on('error', () => socket.destroy());
    socket.on('close', () => tunnel.destroy());
    socket.on('data', (chunk: Buffer) => {
      passed += chunk.toString('latin1');
    });
    socket.pipe(tunnel).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    requests: asked,
    passed: () => passed,
    answer(next) {
      respond = next;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
