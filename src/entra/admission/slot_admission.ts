import { SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Priority } from '../entra_client_interface.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import type { ExchangeKind, SlotLimits } from './admission_options.ts';
import type { Bulkhead } from './app_directory_bulkhead.ts';
import { createTenantQueues } from './fair_tenant_queues.ts';
import { PRIORITIES, type Waiter } from './priority_wait_queue.ts';
import type { Slot } from './slot.ts';

interface PlaceRequest {
  readonly tenant: string;
  readonly priority: Priority;
}

/** Admits exchanges of one kind to bulkheads, within the limits over all of them. */
export function createSlotAdmission(parts: {
  readonly kind: ExchangeKind;
  readonly limits: SlotLimits;
  readonly metrics: EntraMetrics;
  /** A bulkhead has other exchanges or waiters. */
  readonly changed: (bulkhead: Bulkhead) => void;
  /** The bulkhead stops: waiters of each kind get the error. */
  readonly rejectWaiters: (bulkhead: Bulkhead, refusal: VaultError) => void;
  readonly countSlots: () => void;
}) {
  const { kind, limits, metrics, changed, countSlots } = parts;
  const tenants = createTenantQueues(kind, limits);

  function reject(error: VaultError): never {
    metrics.rejected(error.reason);
    throw error;
  }

  /** Gives free slots to waiters: by priority over all bulkheads, in turns among the tenants. */
  function admitWaiters(): void {
    for (const priority of PRIORITIES) {
      for (let bulkhead = tenants.next(priority); bulkhead !== undefined; bulkhead = tenants.next(priority)) {
        const waiter = bulkhead.pools[kind].queue.take(priority, tenants.mayEnter);
        if (waiter === undefined) return;
        dequeue(waiter);
        tenants.served(waiter, bulkhead);
        waiter.admit(enter(bulkhead, waiter.tenant));
      }
    }
  }

  function dequeue(waiter: Waiter): void {
    tenants.dequeue(waiter);
    countSlots();
  }

  /** False: it was no longer in the queue. */
  function remove(waiter: Waiter, bulkhead: Bulkhead): boolean {
    if (!bulkhead.pools[kind].queue.remove(waiter)) return false;
    dequeue(waiter);
    changed(bulkhead);
    return true;
  }

  function rejectWaiter(waiter: Waiter, bulkhead: Bulkhead, error: VaultError): void {
    if (!remove(waiter, bulkhead)) return;
    metrics.rejected(error.reason);
    waiter.reject(error);
  }

  function enter(bulkhead: Bulkhead, tenant: string): Slot {
    const isHalfOpenProbe = bulkhead.enter(kind);
    changed(bulkhead);
    tenants.enter(tenant);
    countSlots();
    let reported = false;
    let released = false;
    return {
      report(result) {
        reported = true;
        const refusal = bulkhead.record(result, isHalfOpenProbe);
        changed(bulkhead);
        if (refusal !== undefined) parts.rejectWaiters(bulkhead, refusal);
      },
      mayRetry() {
        if (bulkhead.refusal() !== undefined || !bulkhead.takeRetryToken()) return false;
        metrics.retry();
        return true;
      },
      release() {
        if (released) return;
        released = true;
        bulkhead.leave(kind, isHalfOpenProbe && !reported);
        changed(bulkhead);
        tenants.leave(tenant);
        countSlots();
        tenants.offer(bulkhead);
        admitWaiters();
      },
    };
  }

  /** Makes a place free in the bulkhead's queue and among the places of all. Replaces a waiter if necessary. */
  function takePlace(bulkhead: Bulkhead, request: PlaceRequest): void {
    const place = bulkhead.pools[kind].queue.findPlace(request) ?? reject(overloaded());
    const isFree = place === 'free';
    // A tenant that replaces its own waiter needs no additional place.
    if ((isFree || place.tenant !== request.tenant) && !tenants.mayWait(request.tenant)) {
      const [lower, lowerBulkhead] = tenants.findLower(request) ?? reject(overloaded());
      rejectWaiter(lower, lowerBulkhead, overloaded());
    }
    if (!isFree) rejectWaiter(place, bulkhead, overloaded());
  }

  function wait(bulkhead: Bulkhead, request: PlaceRequest, signal: AbortSignal | undefined): Promise<Slot> {
    takePlace(bulkhead, request);
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiter: Waiter = { ...request, admit: resolve, reject };
    const onAbort = () => {
      if (remove(waiter, bulkhead)) reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    bulkhead.pools[kind].queue.add(waiter);
    changed(bulkhead);
    tenants.enqueue(waiter, bulkhead);
    countSlots();
    tenants.offer(bulkhead);
    admitWaiters();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  return {
    inFlight: () => tenants.inFlight,
    waiting: () => tenants.waiting,
    rejectWaiters(bulkhead: Bulkhead, refusal: VaultError) {
      for (const waiter of bulkhead.pools[kind].queue.all()) rejectWaiter(waiter, bulkhead, refusal);
    },
    /** OVERLOADED if no place is free in the queue. */
    acquire(
      bulkhead: Bulkhead,
      { tenant, priority, signal }: PlaceRequest & { readonly signal: AbortSignal | undefined },
    ): Slot | Promise<Slot> {
      const { queue, hasRoom } = bulkhead.pools[kind];
      if (hasRoom() && queue.size === 0 && tenants.mayEnter(tenant)) return enter(bulkhead, tenant);
      metrics.waited(kind);
      return wait(bulkhead, { tenant, priority }, signal);
    },
  };
}

export function overloaded(): VaultError {
  const message = 'Too many exchanges with Entra wait for this app and directory. Retry after the given time.';
  return new VaultError('OVERLOADED', message, { retryAfter: SECOND });
}
