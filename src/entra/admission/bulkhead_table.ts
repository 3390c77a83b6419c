import type { Timestamp } from '../../model/clock.ts';
import type { Lane } from './bulkhead.ts';

/**
 * The bulkheads that are kept, at most `limit`. Callers name directories freely, so a new one replaces the one that is idle
 * for longest: first those that remember no refusal. Each step costs the same, however many there are.
 */
export interface LaneTable {
  /** Undefined: the table is full of bulkheads in use. */
  get(appUid: string, directory: string): Lane | undefined;
  /** After each change of its exchanges or its waiters. */
  changed(lane: Lane): void;
  throttledUntil(appUid: string): Timestamp | undefined;
  readonly size: number;
}

export function createLaneTable(limit: number, create: (appUid: string, key: string) => Lane): LaneTable {
  const lanes = new Map<string, Lane>();
  /** In the order in which they became idle. */
  const idle = new Set<Lane>();
  const idleAndStopped = new Set<Lane>();
  /** By app, the one that is throttled for longest. */
  const throttled = new Map<string, Lane>();

  function makeRoom(): boolean {
    if (lanes.size < limit) return true;
    for (const candidates of [idle, idleAndStopped]) {
      for (const lane of candidates) {
        candidates.delete(lane);
        lanes.delete(lane.key);
        if (throttled.get(lane.appUid) === lane) throttled.delete(lane.appUid);
        return true;
      }
    }
    return false;
  }

  return {
    get(appUid, directory) {
      const key = `${appUid} ${directory}`;
      const found = lanes.get(key);
      if (found !== undefined) return found;
      if (!makeRoom()) return undefined;
      const lane = create(appUid, key);
      lanes.set(key, lane);
      idle.add(lane);
      return lane;
    },
    changed(lane) {
      idle.delete(lane);
      idleAndStopped.delete(lane);
      const until = lane.throttledUntil();
      if (until !== undefined && until > (throttled.get(lane.appUid)?.throttledUntil() ?? 0)) {
        throttled.set(lane.appUid, lane);
      }
      if (lane.isIdle()) (lane.refusal() === undefined ? idle : idleAndStopped).add(lane);
    },
    throttledUntil(appUid) {
      const until = throttled.get(appUid)?.throttledUntil();
      if (until === undefined) throttled.delete(appUid);
      return until;
    },
    get size() {
      return lanes.size;
    },
  };
}
