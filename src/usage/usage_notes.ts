import type { Caller } from '../model/authenticated_caller.ts';
import { createBoundedCache } from '../model/bounded_cache.ts';
import { DAY, type Duration, HOUR, type Timestamp } from '../model/clock.ts';
import type { Use } from '../store/usage_store_interface.ts';

/** What is used again within this time is not noted again. */
export const CONNECTION_SPACING: Duration = HOUR;
const CALLER_SPACING: Duration = DAY;
const CREDENTIAL_SPACING: Duration = HOUR;

/** 250 bytes each. */
const MOST_PENDING = 20_000;
/** What was noted lately of a connection: itself, and two callers. Of what is forgotten, a row is written at each use. */
const REMEMBERED_OF_CONNECTION = 3;

/** Notes what was used, in bounded memory, for a job that writes it. */
export interface UsageNotes {
  /** A token was served. */
  served(connectionUid: string, caller: string, now: Timestamp): void;
  /** A caller authenticated. */
  authenticated(caller: Pick<Caller, 'id' | 'credentialId'>, now: Timestamp): void;
  /** Removes and returns up to `limit` notes, the oldest first. */
  take(limit: number): readonly Use[];
  /** Puts notes back that could not be written. */
  restore(uses: readonly Use[]): void;
  readonly size: number;
}

/** `mostConnections`: more than are in use at the same time, as for the cache of their tokens. */
export function createUsageNotes({ mostPending = MOST_PENDING, mostConnections = 100_000 } = {}): UsageNotes {
  /** By their key; a Map keeps the order of insertion. */
  let pending = new Map<string, Use>();
  const noted = createBoundedCache<string, Timestamp>(REMEMBERED_OF_CONNECTION * mostConnections);
  const nextTimes = new WeakMap<object, Timestamp>();

  function note(key: string, spacing: Duration, use: Use): void {
    const last = noted.get(key);
    // A clock that was set back must not stop the notes.
    if (last !== undefined && use.time >= last && use.time - last < spacing) return;
    // If too many are pending, it is noted with a later use.
    if (pending.size >= mostPending && !pending.has(key)) return;
    noted.set(key, use.time);
    pending.set(key, use);
  }

  return {
    served(connectionUid, caller, time) {
      note(connectionUid, CONNECTION_SPACING, { kind: 'connection', connectionUid, caller: undefined, time });
      note(`${connectionUid} ${caller}`, CALLER_SPACING, { kind: 'connection', connectionUid, caller, time });
    },
    authenticated(caller, time) {
      // A lookup by the object, which a caller keeps: each call comes here.
      const nextTime = nextTimes.get(caller);
      if (nextTime !== undefined && time < nextTime && time >= nextTime - CREDENTIAL_SPACING) return;
      nextTimes.set(caller, time + CREDENTIAL_SPACING);
      const { id, credentialId } = caller;
      note(`/${id} ${credentialId}`, CREDENTIAL_SPACING, { kind: 'credential', caller: id, credentialId, time });
    },
    take(limit) {
      const taken = [...pending].slice(0, limit);
      for (const [key] of taken) pending.delete(key);
      return taken.map(([, use]) => use);
    },
    restore(uses) {
      const later = pending;
      pending = new Map();
      for (const use of uses) if (pending.size < mostPending) pending.set(keyOf(use), use);
      for (const [key, use] of later) if (pending.size < mostPending || pending.has(key)) pending.set(key, use);
    },
    get size() {
      return pending.size;
    },
  };
}

function keyOf(use: Use): string {
  if (use.kind === 'credential') return `/${use.caller} ${use.credentialId}`;
  return use.caller === undefined ? use.connectionUid : `${use.connectionUid} ${use.caller}`;
}
