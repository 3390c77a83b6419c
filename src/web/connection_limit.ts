import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Keeps connections without a request from locking browsers and probes out. */
export interface ConnectionLimit {
  /** The answer to a request is being made. */
  begin(request: IncomingMessage): void;
  /** The answer was handed over, whether or not it is read. */
  answered(request: IncomingMessage): void;
}

/** When there are too many connections, the one that has had no request for longest is closed, and the new one is served. */
export function limitConnections(server: Server, most: number): ConnectionLimit {
  /** Connections without a request, the one without for longest first. */
  const idle = new Map<unknown, Socket>();
  const all = new Map<unknown, Socket>();

  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket);
    if (all.size >= most) {
      const [[oldest, its] = [key, socket]] = idle;
      idle.delete(oldest);
      all.delete(oldest);
      its.destroy();
      if (its === socket) return;
    }
    all.set(key, socket);
    idle.set(key, socket);
    socket.once('close', () => {
      if (all.get(key) !== socket) return;
      all.delete(key);
      idle.delete(key);
    });
  });

  return {
    begin: ({ socket }) => void idle.delete(keyOf(socket)),
    answered({ socket }) {
      const key = keyOf(socket);
      const connection = all.get(key);
      if (connection !== undefined) idle.set(key, connection);
    },
  };
}

/** Equal for a connection and its TLS. Connections of a unix socket have no address. */
function keyOf(socket: Socket): unknown {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`;
}
