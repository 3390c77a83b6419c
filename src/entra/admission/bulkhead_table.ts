import type { Timestamp } from '../../model/clock.ts';
import type { Bulkhead } from './bulkhead.ts';

/**
 * The bulkheads that are kept, at most `limit`. Callers name directories freely, so a new one replaces the one that is idle
 * for longest: first those that remember no refusal. Each step costs the same, however many there are.
 */
export interface BulkheadTable {
  /** Undefined: the table is full of bulkheads in use. */
  get(appUid: string, directory: string): Bulkhead | undefined;
  /** After each change of its exchanges or its waiters. */
  changed(bulkhead: Bulkhead): void;
  throttledUntil(appUid: string): Timestamp | undefined;
  readonly size: number;
}

export function createBulkheadTable(limit: number, create: (appUid: string, key: string) => Bulkhead): BulkheadTable {
  const bulkheads = new Map<string, Bulkhead>();
  /** In the order in which they became idle. */
  const idle = new Set<Bulkhead>();
  const idleAndStopped = new Set<Bulkhead>();
  /** By app, the one that is throttled for longest. */
  const throttled = new Map<string, Bulkhead>();

  function makeRoom(): boolean {
    if (bulkheads.size < limit) return true;
    for (const candidates of [idle, idleAndStopped]) {
      for (const bulkhead of candidates) {
        candidates.delete(bulkhead);
        bulkheads.delete(bulkhead.key);
        if (throttled.get(bulkhead.appUid) === bulkhead) throttled.delete(bulkhead.appUid);
        return true;
      }
    }
    return false;
  }

  return {
    get(appUid, directory) {
      const key = `${appUid} ${directory}`;
      const found = bulkheads.get(key);
      if (found !== undefined) return found;
      if (!makeRoom()) return undefined;
      const bulkhead = create(appUid, key);
      bulkheads.set(key, bulkhead);
      idle.add(bulkhead);
      return bulkhead;
    },
    changed(bulkhead) {
      idle.delete(bulkhead);
      idleAndStopped.delete(bulkhead);
      const until = bulkhead.throttledUntil();
      if (until !== undefined && until > (throttled.get(bulkhead.appUid)?.throttledUntil() ?? 0)) {
        throttled.set(bulkhead.appUid, bulkhead);
      }
      if (bulkhead.isIdle()) (bulkhead.refusal() === undefined ? idle : idleAndStopped).add(bulkhead);
    },
    throttledUntil(appUid) {
      const until = throttled.get(appUid)?.throttledUntil();
      if (until === undefined) throttled.delete(appUid);
      return until;
    },
    get size() {
      return bulkheads.size;
    },
  };
}
