import { SECOND } from '../model/clock.ts';
import type { Every } from '../model/monotonic_timers.ts';
import { runOnceAtATime } from '../model/run_once_at_a_time.ts';
import type { AuthorizationProgress } from '../model/user_authorization.ts';
import type { AuthorizationStore } from '../store/store_interfaces.ts';

const BATCH = 500;

/** `DELETED`: its row does not exist any more. `UNREADABLE`: the database cannot be read at the moment. */
export type NextProgress = AuthorizationProgress | 'DELETED' | 'UNREADABLE';

export interface ProgressReader {
  /** The progress at the next read, within a second. Undefined: the signal aborted. */
  next(uid: string, signal: AbortSignal): Promise<NextProgress | undefined>;
  /** Reads now. */
  readNow(): void;
}

/**
 * Reads the progress of all watched authorizations together, once a second, so that streams cost the database one read
 * for each 500 of them. Other replicas complete authorizations, too.
 */
export function createProgressReader(
  authorizations: Pick<AuthorizationStore, 'readProgress'>,
  every: Every,
): ProgressReader {
  const waiting = new Map<string, Set<(next: NextProgress | undefined) => void>>();
  let stopTimer: (() => void) | undefined;

  function answer(uid: string, next: NextProgress): void {
    const listeners = waiting.get(uid) ?? [];
    waiting.delete(uid);
    for (const listener of listeners) listener(next);
  }

  async function readBatch(uids: readonly string[]): Promise<void> {
    try {
      const found = await authorizations.readProgress(uids);
      const byUid = new Map(found.map((progress) => [progress.uid, progress]));
      for (const uid of uids) answer(uid, byUid.get(uid) ?? 'DELETED');
    } catch {
      for (const uid of uids) answer(uid, 'UNREADABLE');
    }
  }

  const readAll = runOnceAtATime(async () => {
    const uids = [...waiting.keys()];
    for (let at = 0; at < uids.length; at += BATCH) await readBatch(uids.slice(at, at + BATCH));
  });

  function tick(): void {
    if (waiting.size > 0) {
      void readAll();
      return;
    }
    stopTimer?.();
    stopTimer = undefined;
  }

  return {
    next(uid, signal) {
      return new Promise((resolve) => {
        const listeners = waiting.get(uid) ?? new Set();
        const done = (next: NextProgress | undefined) => {
          signal.removeEventListener('abort', leave);
          resolve(next);
        };
        const leave = () => {
          listeners.delete(done);
          if (listeners.size === 0 && waiting.get(uid) === listeners) waiting.delete(uid);
          done(undefined);
        };
        if (signal.aborted) return resolve(undefined);
        signal.addEventListener('abort', leave);
        listeners.add(done);
        waiting.set(uid, listeners);
        stopTimer ??= every(SECOND, tick);
      });
    },
    readNow: tick,
  };
}
