import type { IncomingMessage, Server } from 'node:http';
import type { Socket } from 'node:net';

/** Keeps idle connections from locking browsers and probes out. */
export interface ConnectionLimit {
  /** A request of the connection is being handled. */
  begin(request: IncomingMessage): void;
  /** The response was sent, whether or not the client reads it. */
  answered(request: IncomingMessage): void;
}

/** At the limit, a new connection replaces the one that has been idle longest. */
export function limitConnections(server: Server, most: number): ConnectionLimit {
  /** Connections without a request, the longest idle first. */
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

/** Equal for a TCP connection and the TLS socket on it. A unix socket has no address. */
function keyOf(socket: Socket): unknown {
  return socket.remotePort === undefined ? socket : `${socket.remoteAddress} ${socket.remotePort}`;
}
