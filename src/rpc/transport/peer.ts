import type { ServerHttp2Stream } from 'node:http2';
import { isIPv6 } from 'node:net';

/** One connection of a listener, with the streams that are open on it: running, or answered and not yet sent. */
export interface Peer {
  /** Where it comes from, as limits count it. */
  readonly address: string;
  /** Oldest first. */
  readonly streams: Set<ServerHttp2Stream>;
  /** Those of them that need no key: health and reflection. */
  readonly plainStreams: Set<ServerHttp2Stream>;
  /** Whose key came with its first authenticated call. */
  caller: string | undefined;
  /** Closes the connection without notice. */
  destroy(): void;
}

/** The limit that refused or ended something, as metrics name it. */
export type TransportLimit =
  | 'preface'
  | 'unauthenticated_connections'
  | 'unauthenticated_streams'
  | 'caller_connections'
  | 'caller_streams'
  | 'unread_answers';

/** The address of all peers of a unix socket. */
export const UNIX = 'unix';

/** An IPv6 host chooses among the 2^64 addresses of its network, so the network counts as one address. */
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
