import type { Peer } from './peer.ts';

/** Answers that the transport has not taken, since the other side does not read. */
export interface UnreadAnswers {
  /** Before a stream is opened. False: the connection holds too much already. */
  admit(peer: Peer): boolean;
}

const PER_CONNECTION = 1024 * 1024;
const OVER_ALL = 64 * 1024 * 1024;
/** Measured at one of so many openings: a sum over all open streams at each would slow every call down. */
const MEASURED_PER_CONNECTION = 8;
const MEASURED_OVER_ALL = 64;

/**
 * A connection that holds too much gets no more streams. When all connections together hold too much, those that hold
 * most are closed.
 */
export function createUnreadAnswers(peers: Iterable<Peer>, onClosed: () => void): UnreadAnswers {
  const openings = new WeakMap<Peer, { count: number; isFull: boolean }>();
  let count = 0;

  function closeLargest(): void {
    let unread = 0;
    for (const peer of peers) unread += bytesOf(peer);
    if (unread <= OVER_ALL) return;
    const held = [...peers].map((peer) => ({ peer, bytes: bytesOf(peer) })).sort((a, b) => b.bytes - a.bytes);
    for (const { peer, bytes } of held) {
      if (unread <= OVER_ALL) return;
      unread -= bytes;
      peer.destroy();
      onClosed();
    }
  }

  return {
    admit(peer) {
      count += 1;
      if (count % MEASURED_OVER_ALL === 0) closeLargest();
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
  for (const stream of peer.streams) bytes += stream.writableLength;
  return bytes;
}
