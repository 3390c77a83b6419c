import type { ServerHttp2Stream } from 'node:http2';
import { isIPv6 } from 'node:net';
import type { CertifiedCall } from './client_certificate_of_call.ts';
import type { StreamsById } from './streams_by_id.ts';

/** One connection of a listener, with its open streams: in progress, or completed and not yet sent. */
export interface Peer extends CertifiedCall {
  /** Address or network of the client, for limits. */
  readonly address: string;
  /** Address and port of the client; `unknown` on a unix socket. */
  readonly connection: string;
  /** For calls of the connection: grpc-js would read the socket through a proxy of node, each time. */
  readonly getPeer: () => string;
  /** Oldest first. */
  readonly streams: StreamsById<ServerHttp2Stream>;
  /** Streams without authentication: health and reflection. */
  readonly plainStreams: StreamsById<ServerHttp2Stream>;
  /** Caller of the first authenticated call. */
  caller: string | undefined;
  /** With the client certificate, once the TLS session has begun. */
  getAuthContext: CertifiedCall['getAuthContext'];
  /** Closes the connection at once. */
  destroy(): void;
}

/** The limit that rejected or closed a connection or stream, as a metric label. */
export type TransportLimit =
  | 'preface'
  | 'unauthenticated_connections'
  | 'unauthenticated_streams'
  | 'caller_connections'
  | 'caller_streams'
  | 'unread_answers';

/** Address of all peers of a unix socket. */
export const UNIX = 'unix';

/** An IPv6 host can use all 2^64 addresses of its network, so a network counts as one address. */
export function limitedAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return UNIX;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(remoteAddress)?.[1];
  if (mapped !== undefined) return mapped;
  return isIPv6(remoteAddress) ? networkOf(remoteAddress) : remoteAddress;
}

/** The first 64 bits. */
function networkOf(address: string): string {
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail !== undefined) {
    const after = tail === '' ? 0 : tail.split(':').length;
    while (groups.length + after < 8) groups.push('0');
  }
  return `${groups.slice(0, 4).join(':')}::/64`;
}
