import type { Peer } from './peer.ts';

/** Connections of callers, and the streams on them. */
export interface AuthenticatedPeers {
  /** False: the caller has all the connections that one may have. */
  enter(peer: Peer, caller: string): boolean;
  leave(peer: Peer): void;
  /** False: there is no room for one more stream. */
  admit(peer: Peer): boolean;
  /** After a stream was opened or closed. */
  count(peer: Peer, change: 1 | -1): void;
}

/** Half of what a listener takes, so that no caller keeps the others out. */
const CONNECTIONS_PER_CALLER = 1_000;
const STREAMS_PER_CALLER = 4_000;
const STREAMS = 8_000;

/** Bounds what callers can hold. A stream counts until the transport has taken its answer. */
export function createAuthenticatedPeers(): AuthenticatedPeers {
  const callerOf = new Map<Peer, Held>();
  const ofCaller = new Map<string, Held>();
  let streams = 0;

  return {
    enter(peer, caller) {
      const held = ofCaller.get(caller) ?? { connections: 0, streams: 0 };
      if (held.connections >= CONNECTIONS_PER_CALLER) return false;
      ofCaller.set(caller, held);
      callerOf.set(peer, held);
      held.connections += 1;
      held.streams += peer.streams.size;
      streams += peer.streams.size;
      return true;
    },
    leave(peer) {
      const held = callerOf.get(peer);
      if (held === undefined) return;
      callerOf.delete(peer);
      held.connections -= 1;
      held.streams -= peer.streams.size;
      streams -= peer.streams.size;
    },
    admit(peer) {
      return streams < STREAMS && (callerOf.get(peer)?.streams ?? 0) < STREAMS_PER_CALLER;
    },
    count(peer, change) {
      const held = callerOf.get(peer);
      if (held === undefined) return;
      held.streams += change;
      streams += change;
    },
  };
}

interface Held {
  connections: number;
  streams: number;
}
