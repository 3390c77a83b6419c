import type { ServerHttp2Stream } from 'node:http2';
import { type Peer, type TransportLimit, UNIX } from './peer_connection.ts';

export interface UnauthenticatedLimits {
  readonly connections: number;
  /** Undefined: all callers share one address, so each connection counts separately. */
  readonly connectionsPerAddress: number | undefined;
}

/** Connections without an authenticated call so far, and their streams. */
export interface UnauthenticatedPeers {
  /** Closes another connection if the limit is reached. */
  enter(peer: Peer): void;
  /** The connection was closed or authenticated. */
  leave(peer: Peer): void;
  /** False: too many streams. Ends a stream of another address if that has more. */
  admit(peer: Peer, isPlain: boolean): boolean;
}

/** Health and reflection on one connection. */
const PLAIN_STREAMS_PER_CONNECTION = 8;
/** Calls without a valid key on one connection. */
const CALLS_PER_CONNECTION = 32;
const STREAMS = 1_024;

/** Peers of one address, or one peer if addresses are not counted. */
interface Share {
  /** Oldest first. */
  readonly peers: Set<Peer>;
}

/**
 * Limits unauthenticated peers. At the limit of connections, the oldest connection of the address with the most is
 * closed: callers authenticate within milliseconds, so an old connection is least likely a caller's. At the limit of
 * streams, the newest stream of the address with the most ends.
 */
export function createUnauthenticatedPeers(parts: {
  readonly limits: UnauthenticatedLimits;
  readonly endStream: (peer: Peer, stream: ServerHttp2Stream) => void;
  readonly onLimit: (limit: TransportLimit) => void;
}): UnauthenticatedPeers {
  const { limits, endStream, onLimit } = parts;
  const shares = new Map<string | Peer, Share>();
  const peers = new Set<Peer>();

  /** Peers of a unix socket have no address. */
  const sharesAddress = (peer: Peer) => limits.connectionsPerAddress !== undefined && peer.address !== UNIX;
  const keyOf = (peer: Peer) => (sharesAddress(peer) ? peer.address : peer);

  function leave(peer: Peer): void {
    peers.delete(peer);
    const share = shares.get(keyOf(peer));
    share?.peers.delete(peer);
    if (share?.peers.size === 0) shares.delete(keyOf(peer));
  }

  function closeOldest(share: Share | undefined): void {
    const [oldest] = share?.peers ?? [];
    if (oldest === undefined) return;
    leave(oldest);
    oldest.destroy();
    onLimit('unauthenticated_connections');
  }

  function largest(sizeOf: (share: Share) => number): Share | undefined {
    let found: Share | undefined;
    for (const share of shares.values()) if (found === undefined || sizeOf(share) > sizeOf(found)) found = share;
    return found;
  }

  return {
    enter(peer) {
      const key = keyOf(peer);
      const share = shares.get(key) ?? { peers: new Set() };
      shares.set(key, share);
      share.peers.add(peer);
      peers.add(peer);
      if (share.peers.size > (limits.connectionsPerAddress ?? 1)) closeOldest(share);
      if (peers.size > limits.connections) closeOldest(largest(({ peers }) => peers.size));
    },
    leave,
    admit(peer, isPlain) {
      const calls = peer.streams.size - peer.plainStreams.size;
      if (isPlain ? peer.plainStreams.size >= PLAIN_STREAMS_PER_CONNECTION : calls >= CALLS_PER_CONNECTION)
        return false;
      let open = 0;
      for (const one of peers) open += one.streams.size;
      if (open < STREAMS) return true;
      const share = largest(streamsOf);
      const own = shares.get(keyOf(peer));
      if (share === undefined || own === undefined || streamsOf(share) <= streamsOf(own)) return false;
      endNewestStream(share);
      return true;
    },
  };

  function endNewestStream(share: Share): void {
    let holder: Peer | undefined;
    for (const peer of share.peers) if (holder === undefined || peer.streams.size > holder.streams.size) holder = peer;
    const newest = holder?.streams.values().at(-1);
    if (holder === undefined || newest === undefined) return;
    endStream(holder, newest);
    onLimit('unauthenticated_streams');
  }
}

function streamsOf({ peers }: Share): number {
  let open = 0;
  for (const peer of peers) open += peer.streams.size;
  return open;
}
