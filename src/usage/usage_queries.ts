import { type Clock, DAY, type Duration, type Timestamp } from '../model/clock.ts';
import type { ConnectionCaller, UsageStore } from '../store/usage_store_interface.ts';

/** Older ones are deleted (`background/purge_expired_rows.ts`). */
const CALLERS_KEPT: Duration = 30 * DAY;

export interface ConnectionUsage {
  readonly lastServedTime: Timestamp | undefined;
  /** Of the last 30 days, the latest first. */
  readonly callers: readonly ConnectionCaller[];
}

export interface CallerUsage {
  /** When a credential was last used, by its id. */
  readonly credentials: ReadonlyMap<string, Timestamp>;
  /** Of how many tenants it received tokens in the last 30 days. */
  readonly tenants: number;
}

/** Reads when what was last used. */
export interface UsageQueries {
  ofConnection(connectionUid: string): Promise<ConnectionUsage>;
  lastServedTimes(connectionUids: readonly string[]): Promise<ReadonlyMap<string, Timestamp>>;
  /** By caller id; a caller that was never used is absent. */
  ofCallers(): Promise<ReadonlyMap<string, CallerUsage>>;
}

export function createUsageQueries({
  usage,
  clock,
}: {
  readonly usage: UsageStore;
  readonly clock: Clock;
}): UsageQueries {
  return {
    async ofConnection(uid) {
      const since = clock.now() - CALLERS_KEPT;
      const [times, callers] = await Promise.all([usage.lastServedTimes([uid]), usage.callersOf(uid, since)]);
      return { lastServedTime: times.get(uid), callers };
    },
    lastServedTimes: (uids) => usage.lastServedTimes(uids),
    async ofCallers() {
      const [credentials, tenants] = await Promise.all([usage.credentials(), usage.tenantCounts()]);
      const usages = new Map<string, { credentials: Map<string, Timestamp>; tenants: number }>();
      for (const { caller, credentialId, time } of credentials) {
        const known = usages.get(caller) ?? { credentials: new Map(), tenants: tenants.get(caller) ?? 0 };
        known.credentials.set(credentialId, time);
        usages.set(caller, known);
      }
      return usages;
    },
  };
}
