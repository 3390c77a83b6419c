import type { Priority } from '../entra_client_interface.ts';
import type { ExchangeKind, SlotLimits } from './admission_options.ts';
import type { Bulkhead } from './app_directory_bulkhead.ts';
import { type ByPriority, PRIORITIES, RANK, type Waiter } from './priority_wait_queue.ts';

interface Tenant {
  inFlight: number;
  readonly waiters: Waiters;
  /** The bulkheads in which it waits. A bulkhead without room is removed when the tenant is next served. */
  readonly bulkheads: ByPriority<Set<Bulkhead>>;
}

/** In the order of arrival. */
type Waiters = ByPriority<Map<Waiter, Bulkhead>>;

const SHARE_OF_FREE = 3;

/**
 * Each tenant's share of the exchanges and waiting places, and the order in which tenants are served. A tenant gets one
 * more only while it has less than three times as many as are free. So a single tenant gets three quarters, a second
 * one three quarters of the rest, and the last free ones go to tenants that have few.
 */
export function createTenantQueues(kind: ExchangeKind, { totalInFlight, totalWaiting }: SlotLimits) {
  const tenants = new Map<string, Tenant>();
  /** Tenants with waiters that can be served, the one served longest ago first. */
  const turns: ByPriority<Set<string>> = [new Set(), new Set(), new Set()];
  const waiters = noWaiters();
  let inFlight = 0;

  function find(name: string): Tenant {
    const found = tenants.get(name);
    if (found !== undefined) return found;
    const tenant: Tenant = { inFlight: 0, waiters: noWaiters(), bulkheads: [new Set(), new Set(), new Set()] };
    tenants.set(name, tenant);
    return tenant;
  }

  function forgetIdle(name: string, tenant: Tenant): void {
    if (tenant.inFlight === 0 && sizeOf(tenant.waiters) === 0) tenants.delete(name);
  }

  const mayEnter = (name: string) => mayTake(tenants.get(name)?.inFlight ?? 0, totalInFlight - inFlight);
  const waitingOf = (name: string) => sizeOf(tenants.get(name)?.waiters ?? NO_WAITERS);

  return {
    mayEnter,
    mayWait: (name: string) => mayTake(waitingOf(name), totalWaiting - sizeOf(waiters)),
    enter(name: string) {
      find(name).inFlight += 1;
      inFlight += 1;
    },
    leave(name: string) {
      const tenant = find(name);
      tenant.inFlight -= 1;
      inFlight -= 1;
      forgetIdle(name, tenant);
    },
    enqueue(waiter: Waiter, bulkhead: Bulkhead) {
      for (const all of [waiters, find(waiter.tenant).waiters]) all[RANK[waiter.priority]].set(waiter, bulkhead);
    },
    dequeue(waiter: Waiter) {
      const tenant = find(waiter.tenant);
      for (const all of [waiters, tenant.waiters]) all[RANK[waiter.priority]].delete(waiter);
      forgetIdle(waiter.tenant, tenant);
    },
    /** The waiter of a lower priority to replace: one of the same tenant, or else of another tenant. */
    findLower({
      tenant: name,
      priority,
    }: Pick<Waiter, 'tenant' | 'priority'>): readonly [Waiter, Bulkhead] | undefined {
      const own = firstLower(tenants.get(name)?.waiters ?? NO_WAITERS, priority);
      // A tenant must not replace the background work of others to get more than half of the places.
      return own ?? (waitingOf(name) < totalWaiting / 2 ? firstLower(waiters, priority) : undefined);
    },
    get inFlight() {
      return inFlight;
    },
    get waiting() {
      return sizeOf(waiters);
    },
    /** To be called when the bulkhead has room, or one more waiter. */
    offer(bulkhead: Bulkhead) {
      const { queue, hasRoom } = bulkhead.pools[kind];
      if (queue.size === 0 || !hasRoom()) return;
      for (const priority of PRIORITIES) {
        for (const name of queue.tenants(priority)) {
          find(name).bulkheads[RANK[priority]].add(bulkhead);
          turns[RANK[priority]].add(name);
        }
      }
    },
    /** A bulkhead with room and with a waiter of this priority of the tenant to serve next. */
    next(priority: Priority): Bulkhead | undefined {
      const rank = RANK[priority];
      for (const name of turns[rank]) {
        // Skips few tenants: the larger their shares, the fewer of them can exist.
        if (!mayEnter(name)) continue;
        const bulkheads = tenants.get(name)?.bulkheads[rank] ?? new Set<Bulkhead>();
        for (const bulkhead of bulkheads) {
          const { queue, hasRoom } = bulkhead.pools[kind];
          if (hasRoom() && queue.has(name, priority)) return bulkhead;
          bulkheads.delete(bulkhead);
        }
        turns[rank].delete(name);
      }
      return undefined;
    },
    /** Moves the tenant, and this bulkhead of the tenant, to the end of the order. */
    served({ tenant: name, priority }: Waiter, bulkhead: Bulkhead) {
      const rank = RANK[priority];
      const bulkheads = tenants.get(name)?.bulkheads[rank];
      if (bulkheads?.delete(bulkhead)) bulkheads.add(bulkhead);
      if (turns[rank].delete(name)) turns[rank].add(name);
    },
  };
}

const noWaiters = (): Waiters => [new Map(), new Map(), new Map()];
const NO_WAITERS = noWaiters();

function mayTake(own: number, free: number): boolean {
  return free > 0 && own < SHARE_OF_FREE * free;
}

function sizeOf(waiters: Waiters): number {
  return waiters[0].size + waiters[1].size + waiters[2].size;
}

function firstLower(waiters: Waiters, priority: Priority): readonly [Waiter, Bulkhead] | undefined {
  const lowest = waiters.slice(RANK[priority] + 1).findLast((queue) => queue.size > 0);
  return lowest?.entries().next().value;
}
