import type { Timestamp } from '../../model/clock.ts';
import type { Bulkhead } from './app_directory_bulkhead.ts';

/**
 * The bulkheads in memory, at most `limit`. Callers choose directory names freely, so a new bulkhead replaces the one
 * that has been idle longest; bulkheads that are throttled or have an open circuit go last. Every operation takes
 * constant time.
 */
export function createBulkheadTable(limit: number, create: (appUid: string, key: string) => Bulkhead) {
  const bulkheads = new Map<string, Bulkhead>();
  /** In the order in which they became idle. */
  const idle = new Set<Bulkhead>();
  const idleAndStopped = new Set<Bulkhead>();
  /** By app: the bulkhead that is throttled longest. */
  const throttled = new Map<string, Bulkhead>();

  function makeRoom(): boolean {
    if (bulkheads.size < limit) return true;
    const [oldest] = idle.size > 0 ? idle : idleAndStopped;
    if (oldest === undefined) return false;
    idle.delete(oldest);
    idleAndStopped.delete(oldest);
    bulkheads.delete(oldest.key);
    if (throttled.get(oldest.appUid) === oldest) throttled.delete(oldest.appUid);
    return true;
  }

  return {
    /** Undefined: the table is full of bulkheads in use. */
    get(appUid: string, directory: string): Bulkhead | undefined {
      const key = `${appUid} ${directory}`;
      const found = bulkheads.get(key);
      if (found !== undefined) return found;
      if (!makeRoom()) return undefined;
      const bulkhead = create(appUid, key);
      bulkheads.set(key, bulkhead);
      idle.add(bulkhead);
      return bulkhead;
    },
    /** To be called after each change of a bulkhead's exchanges or waiters. */
    changed(bulkhead: Bulkhead) {
      idle.delete(bulkhead);
      idleAndStopped.delete(bulkhead);
      const until = bulkhead.throttledUntil();
      if (until !== undefined && until > (throttled.get(bulkhead.appUid)?.throttledUntil() ?? 0)) {
        throttled.set(bulkhead.appUid, bulkhead);
      }
      if (bulkhead.isIdle()) (bulkhead.refusal() === undefined ? idle : idleAndStopped).add(bulkhead);
    },
    throttledUntil(appUid: string): Timestamp | undefined {
      const until = throttled.get(appUid)?.throttledUntil();
      if (until === undefined) throttled.delete(appUid);
      return until;
    },
  };
}
