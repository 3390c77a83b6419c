import {
  constants,
  type Http2Server,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { ServerInterceptor } from '@grpc/grpc-js';
import type { Caller } from '../../model/authenticated_caller.ts';
import type { ClientTrustSource } from '../../model/client_trust.ts';
import { type Duration, MINUTE, SECOND } from '../../model/clock.ts';
import type { Authenticator } from '../pipeline/authenticator.ts';
import { createAuthenticatedPeers } from './authenticated_peer_limits.ts';
import { createCertifiedSessions, lifetimeOf } from './certified_sessions.ts';
import { authContextOf, clientCertificateOf } from './client_certificate_of_call.ts';
import { dropUnusableDeadline } from './client_timeout.ts';
import { closeWhenIdle } from './close_idle_sessions.ts';
import { drainSession } from './drain_session.ts';
import { EndableCall } from './end_stream_at_connection_age.ts';
import { limitedAddress, type Peer, type TransportLimit } from './peer_connection.ts';
import type { ReplaceStreams } from './replace_streams_of_session.ts';
import type { ServeUnary } from './serve_unary_calls.ts';
import { StreamsById } from './streams_by_id.ts';
import { createUnauthenticatedPeers, type UnauthenticatedLimits } from './unauthenticated_peer_limits.ts';
import { createUnreadResponses } from './unread_response_limits.ts';

export interface ConnectionsParts {
  readonly authenticator: Pick<Authenticator, 'authenticate' | 'known' | 'listen'>;
  readonly unauthenticated: UnauthenticatedLimits;
  /** CAs of client certificates. Undefined: none are requested. */
  readonly clientTrust?: ClientTrustSource | undefined;
  readonly onLimit?: ((limit: TransportLimit) => void) | undefined;
  /** Undefined: sessions keep the Map of node:http2. */
  readonly replaceStreams?: ReplaceStreams | undefined;
  /** Timeout of the TLS handshake and the HTTP/2 preface. Default: 5 s. */
  readonly prefaceTimeout?: Duration | undefined;
  /** At this age the client gets a GOAWAY, and streams end. Default: 30 min. */
  readonly maxAge?: Duration | undefined;
  /** After this time without a stream, the client gets a GOAWAY. Default: 5 min. */
  readonly maxIdle?: Duration | undefined;
}

/** Connections of one listener, with limits on their number, streams, unread bytes and age. */
export interface Connections {
  /** An accepted socket. `inject` passes it to grpc-js. */
  accept(socket: Socket, inject: () => void): void;
  /** Intercepts the streams of the HTTP/2 server of grpc-js, which gets those that `serveUnary` leaves. */
  watch(server: Http2Server, serveUnary: ServeUnary): void;
  /** For grpc-js: makes streaming calls endable. */
  readonly interceptor: ServerInterceptor;
  destroyAll(): void;
}

/** The stream listener of grpc-js. */
type OnStream = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, ...rest: unknown[]) => void;

const PREFACE_TIMEOUT: Duration = 5 * SECOND;
const MAX_AGE: Duration = 30 * MINUTE;
/** Services without authentication. */
const PLAIN = /^\/grpc\.(?:health|reflection)\./;
/** Created once, because Node would capture a stack for each stream of a flood. */
const REFUSED = new Error('a limit of the listener rejected the stream');
const NO_CERTIFICATE = authContextOf(undefined);

export function createConnections(parts: ConnectionsParts): Connections {
  const { authenticator, onLimit = () => undefined } = parts;
  const peers = new Set<Peer>();
  const peerOf = new WeakMap<ServerHttp2Session, Peer>();
  /** By addresses and ports, because with TLS a session has another socket than the accepted one. */
  const acceptedOf = new Map<string, Accepted>();
  let injecting: Accepted | undefined;
  const authenticated = createAuthenticatedPeers();
  const unauthenticated = createUnauthenticatedPeers({ limits: parts.unauthenticated, endStream: refuse, onLimit });
  const unread = createUnreadResponses(peers, () => onLimit('unread_answers'));
  const certified = createCertifiedSessions(parts.clientTrust);
  const endable = new Map<Peer, Set<EndableCall>>();
  let opening: { readonly peer: Peer; readonly stream: ServerHttp2Stream } | undefined;

  function enter(socket: Pick<Socket, 'remoteAddress' | 'remotePort'>, destroy: () => void): Peer {
    const { remoteAddress, remotePort } = socket;
    const connection = remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort}`;
    const peer: Peer = {
      address: limitedAddress(remoteAddress),
      connection,
      getPeer: () => connection,
      streams: new StreamsById(),
      plainStreams: new StreamsById(),
      caller: undefined,
      getAuthContext: NO_CERTIFICATE,
      destroy,
    };
    peers.add(peer);
    unauthenticated.enter(peer);
    return peer;
  }

  function leave(peer: Peer): void {
    peers.delete(peer);
    unauthenticated.leave(peer);
    authenticated.leave(peer);
    endable.delete(peer);
  }

  function begin(session: ServerHttp2Session): void {
    parts.replaceStreams?.(session);
    const { socket } = session;
    const accepted = injecting ?? acceptedOf.get(addressesOf(socket) ?? '');
    const peer = accepted?.peer ?? enter(socket, () => session.destroy());
    peerOf.set(session, peer);
    session.once('remoteSettings', () => clearTimeout(accepted?.deadline));
    session.once('close', () => leave(peer));
    const certificate = certified.read(session);
    if (certificate !== undefined) peer.getAuthContext = authContextOf(certificate);
    // Random by 10 %, so that clients do not all reconnect at once.
    const maxAge = (parts.maxAge ?? MAX_AGE) * (0.9 + Math.random() / 5);
    const age = setTimeout(() => retire(peer, session), Math.min(maxAge, lifetimeOf(certificate, Date.now()))).unref();
    session.once('close', () => clearTimeout(age));
    closeWhenIdle(session, peer, parts.maxIdle);
  }

  function retire(peer: Peer, session: ServerHttp2Session): void {
    drainSession(session, 'max_age');
    for (const call of endable.get(peer) ?? []) call.end();
  }

  /** A connection belongs to the caller of its first call with a valid credential. */
  function authenticate(peer: Peer, headers: IncomingHttpHeaders): void {
    let caller: Caller | Promise<Caller>;
    try {
      const { authorization } = headers;
      const { connection } = peer;
      caller = authenticator.authenticate({ authorization, certificate: clientCertificateOf(peer), connection });
    } catch {
      return;
    }
    if (caller instanceof Promise)
      caller.then(
        ({ id }) => assign(peer, id),
        () => undefined,
      );
    else assign(peer, caller.id);
  }

  function assign(peer: Peer, caller: string): void {
    // While a token was verified, the connection may have closed, or another call may have been first.
    if (peer.caller !== undefined || !peers.has(peer)) return;
    if (!authenticated.enter(peer, caller)) {
      onLimit('caller_connections');
      return;
    }
    unauthenticated.leave(peer);
    peer.caller = caller;
  }

  /** A caller that was removed has no more than an unauthenticated peer. Another caller's next call changes that. */
  function releaseRemovedCallers(): void {
    const callers = new Set(authenticator.known().map(({ id }) => id));
    for (const peer of [...peers]) {
      if (peer.caller === undefined || callers.has(peer.caller)) continue;
      authenticated.leave(peer);
      peer.caller = undefined;
      unauthenticated.enter(peer);
    }
  }

  /** The limit that rejects the stream; undefined: it is accepted. */
  function limitOf(peer: Peer, headers: IncomingHttpHeaders, isPlain: boolean): TransportLimit | undefined {
    if (peer.caller === undefined && !isPlain) authenticate(peer, headers);
    if (peer.caller === undefined ? !unauthenticated.admit(peer, isPlain) : !authenticated.admit(peer))
      return peer.caller === undefined ? 'unauthenticated_streams' : 'caller_streams';
    return unread.admit(peer) ? undefined : 'unread_answers';
  }

  function track(peer: Peer, stream: ServerHttp2Stream, isPlain: boolean): void {
    const { id = 0 } = stream;
    peer.streams.set(id, stream);
    if (isPlain) peer.plainStreams.set(id, stream);
    authenticated.count(peer, 1);
    stream.once('close', () => release(peer, stream));
  }

  function release(peer: Peer, stream: ServerHttp2Stream): void {
    const { id = 0 } = stream;
    if (!peer.streams.delete(id)) return;
    peer.plainStreams.delete(id);
    authenticated.count(peer, -1);
  }

  /** Clients report REFUSED_STREAM as UNAVAILABLE. A response would stay in memory if the client does not read. */
  function refuse(peer: Peer, stream: ServerHttp2Stream): void {
    release(peer, stream);
    stream.on('error', () => undefined);
    stream.close(constants.NGHTTP2_REFUSED_STREAM);
    stream.destroy(REFUSED);
  }

  authenticator.listen(releaseRemovedCallers);
  return {
    accept(socket, inject) {
      const addresses = addressesOf(socket);
      const peer = enter(socket, () => socket.destroy());
      const deadline = setTimeout(() => {
        onLimit('preface');
        socket.destroy();
      }, parts.prefaceTimeout ?? PREFACE_TIMEOUT).unref();
      socket.once('close', () => {
        clearTimeout(deadline);
        if (addresses !== undefined) acceptedOf.delete(addresses);
        leave(peer);
      });
      injecting = { peer, deadline };
      if (addresses !== undefined) acceptedOf.set(addresses, injecting);
      inject();
      injecting = undefined;
      // With TLS on a unix socket, the preface cannot be detected. Only the owner can open the socket.
      if (addresses === undefined) clearTimeout(deadline);
    },

    watch(server, serveUnary) {
      const [onStream] = server.listeners('stream') as OnStream[];
      if (onStream === undefined) throw new Error('grpc-js has no stream listener');
      server.removeAllListeners('stream');
      server.on('session', begin);
      server.on('stream', (stream, headers, ...rest) => {
        const peer = stream.session === undefined ? undefined : peerOf.get(stream.session as ServerHttp2Session);
        if (peer === undefined) return stream.destroy();
        const isPlain = PLAIN.test(headers[':path'] ?? '');
        const limit = limitOf(peer, headers, isPlain);
        if (limit !== undefined) {
          onLimit(limit);
          return refuse(peer, stream);
        }
        track(peer, stream, isPlain);
        if (serveUnary(peer, stream, headers)) return;
        dropUnusableDeadline(headers);
        opening = { peer, stream };
        try {
          onStream(stream, headers, ...rest);
        } finally {
          opening = undefined;
        }
      });
    },

    interceptor(method, next) {
      // grpc-js calls it while it opens the stream.
      if (opening === undefined) return next as EndableCall;
      const { peer, stream } = opening;
      Object.assign(next, { getAuthContext: peer.getAuthContext, getPeer: peer.getPeer });
      // Unary calls need no wrapper.
      if (!method.responseStream) return next as EndableCall;
      const call = new EndableCall(next);
      const calls = endable.get(peer) ?? new Set();
      endable.set(peer, calls.add(call));
      stream.once('close', () => calls.delete(call));
      return call;
    },

    destroyAll() {
      for (const peer of peers) peer.destroy();
    },
  };
}

interface Accepted {
  readonly peer: Peer;
  /** Runs until the preface is received. */
  readonly deadline: NodeJS.Timeout;
}

/** Identifies a TCP connection. Undefined for a unix socket. */
function addressesOf({ remoteAddress, remotePort, localAddress, localPort }: Partial<Socket>): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
