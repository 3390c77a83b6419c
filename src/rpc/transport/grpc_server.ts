import type { Http2Server } from 'node:http2';
import { createServer, type Server as NetServer } from 'node:net';
import { logVerbosity, Server, ServerCredentials, type ServerOptions, setLogVerbosity } from '@grpc/grpc-js';
import { listen } from '../../listeners/listen.ts';
import type { Duration } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { isLoopbackAddress } from '../../model/listen_address.ts';
import type { WireService } from '../messages/message_codec.ts';
import { type ConnectionsParts, createConnections } from './connection_limits.ts';
import { cutOffSlowBodies } from './slow_request_bodies.ts';

/** What the border lets through (6-security). Sizes in bytes, session memory in MB, times in milliseconds. */
const BORDER: ServerOptions = {
  'grpc.max_receive_message_length': 64 * 1024,
  'grpc.max_concurrent_streams': 128,
  'grpc.max_connection_idle_ms': 5 * 60_000,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc-node.max_session_memory': 16,
  'grpc.enable_channelz': 0,
};

const MOST_CONNECTIONS = 2_000;

export interface SocketParts extends ConnectionsParts {
  /** `host:port` or `unix:/path`; port 0 takes a free one. */
  readonly address: string;
  readonly services: readonly WireService[];
  /** TLS; undefined: plaintext. */
  readonly credentials?: ServerCredentials | undefined;
  /** `mesh`: something else encrypts, so plaintext is taken beyond loopback. */
  readonly plaintext: 'loopback' | 'mesh';
  readonly maxConnections?: number | undefined;
  /** For a request to come whole. Default: 10 s. */
  readonly readTimeout?: Duration | undefined;
}

export interface OpenSockets {
  /** As bound. */
  readonly address: string;
  /** Takes no new connection or call, waits for those under way, and cuts off what is left after the grace. */
  drain(grace: Duration): Promise<void>;
}

/**
 * The sockets are ours and handed to grpc-js one by one, so that connections can be counted and a taken port is told
 * by its error code. Throws FIELD_INVALID with what to change.
 */
export async function openSockets(parts: SocketParts): Promise<OpenSockets> {
  const { address, credentials } = parts;
  if (credentials === undefined && parts.plaintext !== 'mesh' && !isLoopbackAddress(address)) {
    throw new VaultError(
      'FIELD_INVALID',
      `${address} is not loopback, and there is no TLS: configure a certificate and key, or say that a mesh encrypts (TOKENVAULT_PLAINTEXT=mesh)`,
      { metadata: { field: 'address' } },
    );
  }
  // Its own lines carry foreign text (peers, headers), and all that matters is told by errors and metrics.
  setLogVerbosity(logVerbosity.NONE);
  const connections = createConnections(parts);
  const server = new Server({ ...BORDER, interceptors: [connections.interceptor] });
  for (const { definition, handlers } of parts.services) server.addService(definition, handlers);
  const injector = server.createConnectionInjector(credentials ?? ServerCredentials.createInsecure());

  connections.watch(http2ServerOf(server));
  const listener = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    connections.accept(socket, () => injector.injectConnection(socket));
  });
  listener.maxConnections = parts.maxConnections ?? MOST_CONNECTIONS;
  const bound = await listen(listener, address);
  const endCutOff = cutOffSlowBodies(
    parts.services.map(({ definition }) => definition),
    parts.readTimeout,
  );

  return {
    address: bound,
    async drain(grace) {
      const closed = stopListening(listener);
      // Its callback comes at once on Node 24, with calls under way; that the sockets are closed is what proves the end.
      server.tryShutdown(() => undefined);
      const timer = setTimeout(() => connections.destroyAll(), grace);
      await closed;
      clearTimeout(timer);
      endCutOff();
      server.forceShutdown();
    },
  };
}

/** The one behind the injector. grpc-js has no public way to it; its version is pinned. */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  const [http2Server] = http2Servers?.keys() ?? [];
  if (http2Server === undefined) throw new Error('this version of grpc-js keeps its HTTP/2 servers elsewhere');
  return http2Server;
}

function stopListening(listener: NetServer): Promise<void> {
  return new Promise((resolve) => listener.close(() => resolve()));
}
