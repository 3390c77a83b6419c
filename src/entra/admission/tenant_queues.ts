import type { Priority } from '../authorization_server.ts';
import type { Lane } from './bulkhead.ts';
import { PRIORITIES, RANK, type Waiter } from './wait_queue.ts';

/**
 * What each tenant holds of the exchanges and the waiting places that all share, and whose turn it is.
 * A tenant gets another one only while it holds less than three times as many as are free. So one tenant alone gets three
 * quarters, a second one three quarters of the rest, and where little is free it goes to those that hold little.
 */
export interface TenantTurns {
  mayEnter(tenant: string): boolean;
  mayWait(tenant: string): boolean;
  entered(tenant: string): void;
  left(tenant: string): void;
  waits(waiter: Waiter, lane: Lane): void;
  waitsNoMore(waiter: Waiter): void;
  /** The waiter that makes room for one more of the tenant: one of its own of a lower priority, else one of another tenant. */
  lowerThan(request: { readonly tenant: string; readonly priority: Priority }): readonly [Waiter, Lane] | undefined;
  readonly inFlight: number;
  readonly waiting: number;
  /** The bulkhead has room, or a waiter more. */
  offer(lane: Lane): void;
  /** A bulkhead with room, and a waiter of this priority of the tenant whose turn it is. */
  next(priority: Priority): Lane | undefined;
  /** The turn of the tenant in this bulkhead is over. */
  served(waiter: Waiter, lane: Lane): void;
}

interface Tenant {
  inFlight: number;
  readonly waiters: Waiters;
  /** For each priority, the bulkheads in which it waits. One that has no room any more is removed when its turn comes. */
  readonly lanes: readonly [Set<Lane>, Set<Lane>, Set<Lane>];
}

const SHARE_OF_FREE = 3;

/** For each priority, in the order of arrival. */
type Waiters = readonly [Map<Waiter, Lane>, Map<Waiter, Lane>, Map<Waiter, Lane>];

export function createTenantTurns(limits: { readonly inFlight: number; readonly waiting: number }): TenantTurns {
  const tenants = new Map<string, Tenant>();
  /** For each priority, tenants with waiters that can be served, the one served longest ago first. */
  const turns: readonly [Set<string>, Set<string>, Set<string>] = [new Set(), new Set(), new Set()];
  const waiters = noWaiters();
  let inFlight = 0;

  function find(name: string): Tenant {
    const found = tenants.get(name);
    if (found !== undefined) return found;
    const tenant: Tenant = { inFlight: 0, waiters: noWaiters(), lanes: [new Set(), new Set(), new Set()] };
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
    waits(waiter, lane) {
      for (const all of [waiters, find(waiter.tenant).waiters]) all[RANK[waiter.priority]].set(waiter, lane);
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
    offer(lane) {
      if (lane.line.size === 0 || !lane.hasRoom()) return;
      for (const priority of PRIORITIES) {
        for (const name of lane.line.tenants(priority)) {
          find(name).lanes[RANK[priority]].add(lane);
          turns[RANK[priority]].add(name);
        }
      }
    },
    next(priority) {
      const rank = RANK[priority];
      for (const name of turns[rank]) {
        // Few are skipped: the more they hold, the fewer they are.
        if (!mayEnter(name)) continue;
        const lanes = tenants.get(name)?.lanes[rank] ?? new Set<Lane>();
        for (const lane of lanes) {
          if (lane.hasRoom() && lane.line.has(name, priority)) return lane;
          lanes.delete(lane);
        }
        turns[rank].delete(name);
      }
      return undefined;
    },
    served({ tenant: name, priority }, lane) {
      const rank = RANK[priority];
      const lanes = tenants.get(name)?.lanes[rank];
      if (lanes?.delete(lane)) lanes.add(lane);
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

function firstLower(waiters: Waiters, priority: Priority): readonly [Waiter, Lane] | undefined {
  const lowest = waiters.slice(RANK[priority] + 1).findLast((line) => line.size > 0);
  return lowest?.entries().next().value;
}
