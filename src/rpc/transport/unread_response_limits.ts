import type { Peer } from './peer_connection.ts';

/** Responses that are buffered because the client does not read them. */
export interface UnreadResponses {
  /** Called before a stream is opened. False: the connection has too many unread bytes. */
  admit(peer: Peer): boolean;
}

const PER_CONNECTION = 1024 * 1024;
const IN_TOTAL = 64 * 1024 * 1024;
/** Measured once per this many opened streams, because the sum over all streams would slow down each call. */
const MEASURED_PER_CONNECTION = 8;
const MEASURED_IN_TOTAL = 64;

/**
 * Limits the unread bytes of one connection, which gets no more streams, and of all connections, of which the largest
 * are closed.
 */
export function createUnreadResponses(peers: Iterable<Peer>, onClosed: () => void): UnreadResponses {
  const openings = new WeakMap<Peer, { count: number; isFull: boolean }>();
  let count = 0;

  function closeLargest(): void {
    let unread = 0;
    for (const peer of peers) unread += bytesOf(peer);
    if (unread <= IN_TOTAL) return;
    const held = [...peers].map((peer) => ({ peer, bytes: bytesOf(peer) })).sort((a, b) => b.bytes - a.bytes);
    for (const { peer, bytes } of held) {
      if (unread <= IN_TOTAL) return;
      unread -= bytes;
      peer.destroy();
      onClosed();
    }
  }

  return {
    admit(peer) {
      count += 1;
      if (count % MEASURED_IN_TOTAL === 0) closeLargest();
      let opening = openings.get(peer);
      if (opening === undefined) {
        opening = { count: 0, isFull: false };
        openings.set(peer, opening);
      }
      opening.count += 1;
      if (opening.isFull || opening.count % MEASURED_PER_CONNECTION === 0)
        opening.isFull = bytesOf(peer) > PER_CONNECTION;
      return !opening.isFull;
    },
  };
}

function bytesOf(peer: Peer): number {
  let bytes = 0;
  for (const stream of peer.streams.values()) bytes += stream.writableLength;
  return bytes;
}
