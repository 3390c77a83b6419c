import type { Priority } from '../authorization_server.ts';
import type { Bulkhead } from './bulkhead.ts';
import { PRIORITIES, RANK, type Waiter } from './wait_queue.ts';

/**
 * What each tenant holds of the exchanges and the waiting places that all share, and whose turn it is.
 * A tenant gets another one only while it holds less than three times as many as are free. So one tenant alone gets three
 * quarters, a second one three quarters of the rest, and where little is free it goes to those that hold little.
 */
export interface TenantQueues {
  mayEnter(tenant: string): boolean;
  mayWait(tenant: string): boolean;
  entered(tenant: string): void;
  left(tenant: string): void;
  waits(waiter: Waiter, bulkhead: Bulkhead): void;
  waitsNoMore(waiter: Waiter): void;
  /** The waiter that makes room for one more of the tenant: one of its own of a lower priority, else one of another tenant. */
  lowerThan(request: { readonly tenant: string; readonly priority: Priority }): readonly [Waiter, Bulkhead] | undefined;
  readonly inFlight: number;
  readonly waiting: number;
  /** The bulkhead has room, or a waiter more. */
  offer(bulkhead: Bulkhead): void;
  /** A bulkhead with room, and a waiter of this priority of the tenant whose turn it is. */
  next(priority: Priority): Bulkhead | undefined;
  /** The turn of the tenant in this bulkhead is over. */
  served(waiter: Waiter, bulkhead: Bulkhead): void;
}

interface Tenant {
  inFlight: number;
  readonly waiters: Waiters;
  /** For each priority, the bulkheads in which it waits. One that has no room any more is removed when its turn comes. */
  readonly bulkheads: readonly [Set<Bulkhead>, Set<Bulkhead>, Set<Bulkhead>];
}

const SHARE_OF_FREE = 3;

/** For each priority, in the order of arrival. */
type Waiters = readonly [Map<Waiter, Bulkhead>, Map<Waiter, Bulkhead>, Map<Waiter, Bulkhead>];

export function createTenantQueues(limits: { readonly inFlight: number; readonly waiting: number }): TenantQueues {
  const tenants = new Map<string, Tenant>();
  /** For each priority, tenants with waiters that can be served, the one served longest ago first. */
  const turns: readonly [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
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

  const mayEnter = (name: string) => mayTake(tenants.get(name)?.inFlight ?? 0, limits.inFlight - inFlight);
  const waitingOf = (name: string) => sizeOf(tenants.get(name)?.waiters ?? NO_WAITERS);

  return {
    mayEnter,
    mayWait: (name) => mayTake(waitingOf(name), limits.waiting - sizeOf(waiters)),
    entered(name) {
      find(name).inFlight += 1;
      inFlight += 1;
    },
    left(name) {
      const tenant = find(name);
      tenant.inFlight -= 1;
      inFlight -= 1;
      forgetIdle(name, tenant);
    },
    waits(waiter, bulkhead) {
      for (const all of [waiters, find(waiter.tenant).waiters]) all[RANK[waiter.priority]].set(waiter, bulkhead);
    },
    waitsNoMore(waiter) {
      const tenant = find(waiter.tenant);
      for (const all of [waiters, tenant.waiters]) all[RANK[waiter.priority]].delete(waiter);
      forgetIdle(waiter.tenant, tenant);
    },
    lowerThan({ tenant: name, priority }) {
      const own = firstLower(tenants.get(name)?.waiters ?? NO_WAITERS, priority);
      // A tenant does not drive out the others' background work to get more than half.
      return own ?? (waitingOf(name) < limits.waiting / 2 ? firstLower(waiters, priority) : undefined);
    },
    get inFlight() {
      return inFlight;
    },
    get waiting() {
      return sizeOf(waiters);
    },
    offer(bulkhead) {
      if (bulkhead.queue.size === 0 || !bulkhead.hasRoom()) return;
      for (const priority of PRIORITIES) {
        for (const name of bulkhead.queue.tenants(priority)) {
          find(name).bulkheads[RANK[priority]].add(bulkhead);
          turns[RANK[priority]].add(name);
        }
      }
    },
    next(priority) {
      const rank = RANK[priority];
      for (const name of turns[rank]) {
        // Few are skipped: the more they hold, the fewer they are.
        if (!mayEnter(name)) continue;
        const bulkheads = tenants.get(name)?.bulkheads[rank] ?? new Set<Bulkhead>();
        for (const bulkhead of bulkheads) {
          if (bulkhead.hasRoom() && bulkhead.queue.has(name, priority)) return bulkhead;
          bulkheads.delete(bulkhead);
        }
        turns[rank].delete(name);
      }
      return undefined;
    },
    served({ tenant: name, priority }, bulkhead) {
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
