import type { VaultError } from '../../model/errors.ts';
import type { Priority } from '../entra_client_interface.ts';
import type { Slot } from './slot.ts';

/** An exchange that waits for a slot. */
export interface Waiter {
  readonly tenant: string;
  readonly priority: Priority;
  admit(slot: Slot): void;
  reject(error: VaultError): void;
}

export const PRIORITIES = ['FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND'] as const satisfies readonly Priority[];

export const RANK = { FOREGROUND: 0, REFRESH_AHEAD: 1, BACKGROUND: 2 } as const satisfies Record<Priority, number>;

/** One value for each priority, in the order of `PRIORITIES`. */
export type ByPriority<Value> = readonly [Value, Value, Value];

/** The queue of one bulkhead: by priority, and round robin by tenant within a priority. */
export function createWaitQueue(capacity: number) {
  /** For each priority the waiters by tenant; a tenant moves to the end of its map when it is served. */
  const queues: ByPriority<Map<string, Waiter[]>> = [new Map(), new Map(), new Map()];
  const counts = new Map<string, number>();
  let size = 0;

  function count(tenant: string, change: 1 | -1): void {
    size += change;
    const next = (counts.get(tenant) ?? 0) + change;
    if (next === 0) counts.delete(tenant);
    else counts.set(tenant, next);
  }

  function largestTenant(): readonly [string, number] {
    return [...counts].reduce((largest, one) => (one[1] > largest[1] ? one : largest), ['', 0]);
  }

  /** The newest waiter of the lowest priority: of the tenant, or of the tenant with the most of them. */
  function last(tenant?: string): Waiter | undefined {
    for (const byTenant of queues.toReversed()) {
      if (byTenant.size === 0) continue;
      const candidates = tenant === undefined ? [...byTenant.values()] : [byTenant.get(tenant) ?? []];
      const longest = candidates.reduce((longest, one) => (one.length > longest.length ? one : longest));
      if (longest.length > 0) return longest.at(-1);
    }
    return undefined;
  }

  return {
    get size() {
      return size;
    },
    has: (tenant: string, priority: Priority) => queues[RANK[priority]].has(tenant),
    add(waiter: Waiter) {
      const byTenant = queues[RANK[waiter.priority]];
      const waiters = byTenant.get(waiter.tenant);
      if (waiters === undefined) byTenant.set(waiter.tenant, [waiter]);
      else waiters.push(waiter);
      count(waiter.tenant, 1);
    },
    /** False: it was not in the queue. */
    remove(waiter: Waiter): boolean {
      const byTenant = queues[RANK[waiter.priority]];
      const waiters = byTenant.get(waiter.tenant) ?? [];
      const index = waiters.indexOf(waiter);
      if (index < 0) return false;
      waiters.splice(index, 1);
      if (waiters.length === 0) byTenant.delete(waiter.tenant);
      count(waiter.tenant, -1);
      return true;
    },
    /** Removes the first waiter of the next tenant that `isEligible` accepts. */
    take(priority: Priority, isEligible: (tenant: string) => boolean): Waiter | undefined {
      const byTenant = queues[RANK[priority]];
      for (const [tenant, waiters] of byTenant) {
        if (!isEligible(tenant)) continue;
        const waiter = waiters.shift();
        byTenant.delete(tenant);
        if (waiters.length > 0) byTenant.set(tenant, waiters);
        count(tenant, -1);
        return waiter;
      }
      return undefined;
    },
    /**
     * A free place, or the waiter to replace: one of a lower priority, or of a tenant with more places. Undefined:
     * neither exists. A tenant has at most half of the places while another tenant waits.
     */
    findPlace({ tenant, priority }: Pick<Waiter, 'tenant' | 'priority'>): 'free' | Waiter | undefined {
      const own = counts.get(tenant) ?? 0;
      if (own < size && own >= Math.max(1, Math.floor(capacity / 2))) return ifLower(last(tenant), priority);
      if (size < capacity) return 'free';
      const [largest, most] = largestTenant();
      return ifLower(last(), priority) ?? (most > own + 1 ? ifLower(last(largest), priority, 0) : undefined);
    },
    tenants: (priority: Priority) => queues[RANK[priority]].keys(),
    all: () => queues.flatMap((byTenant) => [...byTenant.values()].flat()),
  };
}

/** The waiter, if its priority is lower by at least `by`. */
function ifLower(waiter: Waiter | undefined, priority: Priority, by = 1): Waiter | undefined {
  return waiter !== undefined && RANK[waiter.priority] - RANK[priority] >= by ? waiter : undefined;
}
