import type { Peer } from './peer_connection.ts';

/** Authenticated connections and their streams. */
export interface AuthenticatedPeers {
  /** False: the caller has too many connections. */
  enter(peer: Peer, caller: string): boolean;
  leave(peer: Peer): void;
  /** False: the caller, or the listener, has too many streams. */
  admit(peer: Peer): boolean;
  /** After a stream was opened or closed. */
  count(peer: Peer, change: 1 | -1): void;
}

/** Half of the limits of a listener, so that no caller can block the others. */
const CONNECTIONS_PER_CALLER = 1_000;
const STREAMS_PER_CALLER = 4_000;
const STREAMS = 8_000;

/** Limits connections and streams per caller. A stream counts until its response was sent. */
export function createAuthenticatedPeers(): AuthenticatedPeers {
  const callerOf = new Map<Peer, Usage>();
  const ofCaller = new Map<string, Usage>();
  let streams = 0;

  return {
    enter(peer, caller) {
      const usage = ofCaller.get(caller) ?? { connections: 0, streams: 0 };
      if (usage.connections >= CONNECTIONS_PER_CALLER) return false;
      ofCaller.set(caller, usage);
      callerOf.set(peer, usage);
      usage.connections += 1;
      usage.streams += peer.streams.size;
      streams += peer.streams.size;
      return true;
    },
    leave(peer) {
      const usage = callerOf.get(peer);
      if (usage === undefined) return;
      callerOf.delete(peer);
      usage.connections -= 1;
      usage.streams -= peer.streams.size;
      streams -= peer.streams.size;
    },
    admit(peer) {
      return streams < STREAMS && (callerOf.get(peer)?.streams ?? 0) < STREAMS_PER_CALLER;
    },
    count(peer, change) {
      const usage = callerOf.get(peer);
      if (usage === undefined) return;
      usage.streams += change;
      streams += change;
    },
  };
}

interface Usage {
  connections: number;
  streams: number;
}
