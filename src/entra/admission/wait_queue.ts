import type { VaultError } from '../../model/errors.ts';
import type { Priority } from '../authorization_server.ts';
import type { Slot } from './slot.ts';

/** An exchange that waits for a slot. */
export interface Waiter {
  readonly tenant: string;
  readonly priority: Priority;
  admit(slot: Slot): void;
  refuse(error: VaultError): void;
}

/** The waiting places of one bulkhead: by priority, and round robin by tenant within a priority. */
export interface WaitQueue {
  readonly size: number;
  has(tenant: string, priority: Priority): boolean;
  add(waiter: Waiter): void;
  /** False: it was not in the line. */
  remove(waiter: Waiter): boolean;
  /** Removes the first waiter of the tenant whose turn it is, of the tenants that `isEligible` accepts. */
  take(priority: Priority, isEligible: (tenant: string) => boolean): Waiter | undefined;
  /**
   * A free place, or the waiter that gives way: one of a lower priority, or one of a tenant with more places.
   * Undefined: there is no place. A tenant has at most half of the places while another waits.
   */
  placeFor(request: { readonly tenant: string; readonly priority: Priority }): 'free' | Waiter | undefined;
  tenants(priority: Priority): Iterable<string>;
  all(): Waiter[];
}

export const PRIORITIES = ['FOREGROUND', 'REFRESH_AHEAD', 'BACKGROUND'] as const satisfies readonly Priority[];

export const RANK = { FOREGROUND: 0, REFRESH_AHEAD: 1, BACKGROUND: 2 } as const satisfies Record<Priority, number>;

export function createWaitQueue(directories: number): WaitQueue {
  /** For each priority the waiters by tenant; a tenant moves to the end of its map when it is served. */
  const turns: readonly [TenantWaiters, TenantWaiters, TenantWaiters] = [new Map(), new Map(), new Map()];
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

  /** The waiter of the lowest priority that came last: of the tenant, or of the tenant with most of that priority. */
  function last(tenant?: string): Waiter | undefined {
    for (const byTenant of turns.toReversed()) {
      if (byTenant.size === 0) continue;
      const lines = tenant === undefined ? [...byTenant.values()] : [byTenant.get(tenant) ?? []];
      const longest = lines.reduce((longest, one) => (one.length > longest.length ? one : longest));
      if (longest.length > 0) return longest.at(-1);
    }
    return undefined;
  }

  return {
    get size() {
      return size;
    },
    has: (tenant, priority) => turns[RANK[priority]].has(tenant),
    add(waiter) {
      const byTenant = turns[RANK[waiter.priority]];
      const waiters = byTenant.get(waiter.tenant);
      if (waiters === undefined) byTenant.set(waiter.tenant, [waiter]);
      else waiters.push(waiter);
      count(waiter.tenant, 1);
    },
    remove(waiter) {
      const byTenant = turns[RANK[waiter.priority]];
      const waiters = byTenant.get(waiter.tenant) ?? [];
      const index = waiters.indexOf(waiter);
      if (index < 0) return false;
      waiters.splice(index, 1);
      if (waiters.length === 0) byTenant.delete(waiter.tenant);
      count(waiter.tenant, -1);
      return true;
    },
    take(priority, isEligible) {
      const byTenant = turns[RANK[priority]];
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
    placeFor({ tenant, priority }) {
      const own = counts.get(tenant) ?? 0;
      if (own < size && own >= Math.max(1, Math.floor(directories / 2))) return givesWay(last(tenant), priority);
      if (size < directories) return 'free';
      const [largest, most] = largestTenant();
      return givesWay(last(), priority) ?? (most > own + 1 ? givesWay(last(largest), priority, 0) : undefined);
    },
    tenants: (priority) => turns[RANK[priority]].keys(),
    all: () => turns.flatMap((byTenant) => [...byTenant.values()].flat()),
  };
}

/** The waiter, if its priority is lower by at least `by`. */
function givesWay(waiter: Waiter | undefined, priority: Priority, by = 1): Waiter | undefined {
  return waiter !== undefined && RANK[waiter.priority] - RANK[priority] >= by ? waiter : undefined;
}

type TenantWaiters = Map<string, Waiter[]>;
