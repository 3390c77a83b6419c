import type { Http2Server } from 'node:http2';
import { createServer, type Server as NetServer } from 'node:net';
import { logVerbosity, Server, ServerCredentials, type ServerOptions, setLogVerbosity } from '@grpc/grpc-js';
import { listen } from '../../listeners/start_and_stop_listening.ts';
import type { Duration } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import { isLoopbackAddress } from '../../model/listen_address.ts';
import { closeSlowRequestBodies } from './close_slow_request_bodies.ts';
import { type ConnectionsParts, createConnections } from './connection_limits.ts';
import { createUnaryServer } from './serve_unary_calls.ts';
import type { WireService } from './wire_service.ts';

/** Bytes of a request message. */
const MAX_REQUEST = 64 * 1024;
/** Limits of the listener (6-security). Sizes in bytes, session memory in MB, times in milliseconds. */
const LIMITS: ServerOptions = {
  'grpc.max_receive_message_length': MAX_REQUEST,
  'grpc.max_concurrent_streams': 128,
  'grpc.keepalive_time_ms': 60_000,
  'grpc.keepalive_timeout_ms': 20_000,
  'grpc-node.max_session_memory': 16,
  'grpc.enable_channelz': 0,
};

const MOST_CONNECTIONS = 2_000;

export interface SocketParts extends ConnectionsParts {
  /** `host:port` or `unix:/path`; port 0 means any free port. */
  readonly address: string;
  readonly services: readonly WireService[];
  /** Undefined: plaintext. */
  readonly credentials?: ServerCredentials | undefined;
  /** `mesh`: a service mesh encrypts, so plaintext is allowed beyond loopback. */
  readonly plaintext: 'loopback' | 'mesh';
  readonly maxConnections?: number | undefined;
  /** Timeout of a request body. Default: 10 s. */
  readonly readTimeout?: Duration | undefined;
}

export interface OpenSockets {
  /** As bound. */
  readonly address: string;
  /** Rejects new connections and calls, waits for those in progress, and closes the rest after the grace period. */
  drain(grace: Duration): Promise<void>;
}

/**
 * Accepts sockets and passes them to grpc-js, so that connections can be limited and a failed bind has an error code.
 * FIELD_INVALID if the address or plaintext is not allowed.
 */
export async function openSockets(parts: SocketParts): Promise<OpenSockets> {
  const { address, credentials } = parts;
  if (credentials === undefined && parts.plaintext !== 'mesh' && !isLoopbackAddress(address)) {
    throw new VaultError(
      'FIELD_INVALID',
      `${address} is not loopback, and TLS is not configured. Set TLS files, or TOKENVAULT_PLAINTEXT=mesh if a mesh encrypts.`,
      { metadata: { field: 'address' } },
    );
  }
  // Lines of grpc-js contain text of clients (headers). Errors and metrics report the rest.
  setLogVerbosity(logVerbosity.NONE);
  const connections = createConnections(parts);
  const server = new Server({ ...LIMITS, interceptors: [connections.interceptor] });
  for (const { definition, handlers } of parts.services) server.addService(definition, handlers);
  const injector = server.createConnectionInjector(credentials ?? ServerCredentials.createInsecure());

  connections.watch(http2ServerOf(server), createUnaryServer(parts.services, MAX_REQUEST));
  const listener = createServer({ noDelay: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    connections.accept(socket, () => injector.injectConnection(socket));
  });
  listener.maxConnections = parts.maxConnections ?? MOST_CONNECTIONS;
  const bound = await listen(listener, address);
  const stopClosing = closeSlowRequestBodies(
    parts.services.map(({ definition }) => definition),
    parts.readTimeout,
  );

  return {
    address: bound,
    async drain(grace) {
      const closed = stopListening(listener);
      // On Node 24 its callback fires while calls are in progress, so the shutdown waits for the sockets instead.
      server.tryShutdown(() => undefined);
      const timer = setTimeout(() => connections.destroyAll(), grace);
      await closed;
      clearTimeout(timer);
      stopClosing();
      server.forceShutdown();
    },
  };
}

/** The HTTP/2 server of the injector. grpc-js has no public access to it; its version is pinned. */
function http2ServerOf(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers?: Map<Http2Server, unknown> };
  const [http2Server] = http2Servers?.keys() ?? [];
  if (http2Server === undefined) throw new Error('this version of grpc-js has no http2Servers');
  return http2Server;
}

function stopListening(listener: NetServer): Promise<void> {
  return new Promise((resolve) => listener.close(() => resolve()));
}
