import { type Clock, SECOND, type Timestamp } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Priority } from '../entra_client_interface.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import type { AdmissionOptions } from './admission_options.ts';
import { type Bulkhead, createBulkhead } from './app_directory_bulkhead.ts';
import { createBulkheadTable } from './bulkhead_table.ts';
import { createTenantQueues } from './fair_tenant_queues.ts';
import { PRIORITIES, type Waiter } from './priority_wait_queue.ts';
import type { Slot } from './slot.ts';

/** Admits exchanges with Entra, so that one slow directory, or one busy tenant, does not starve the others. */
export interface AdmissionControl {
  /** Fails with OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE, or the signal's reason if the caller cancels. */
  acquire(request: SlotRequest): Promise<Slot>;
  throttledUntil(appUid: string): Timestamp | undefined;
}

interface SlotRequest {
  readonly appUid: string;
  readonly directory: string;
  /** The tenant whose share it counts against. Default: the app. */
  readonly tenant?: string | undefined;
  readonly priority: Priority;
  readonly signal: AbortSignal | undefined;
}

export function createAdmissionControl(parts: {
  clock: Clock;
  options: AdmissionOptions;
  metrics: EntraMetrics;
}): AdmissionControl {
  const { clock, options, metrics } = parts;
  const bulkheads = createBulkheadTable(options.bulkheads, (appUid, key) =>
    createBulkhead({ appUid, key, clock, options, onCircuitOpened: () => metrics.circuitOpened() }),
  );
  const tenants = createTenantQueues({ inFlight: options.totalInFlight, waiting: options.totalWaiting });

  function reject(error: VaultError): never {
    metrics.rejected(error.reason);
    throw error;
  }

  /** Gives free slots to waiters: by priority over all bulkheads, in turns among the tenants. */
  function admitWaiters(): void {
    for (const priority of PRIORITIES) {
      for (let bulkhead = tenants.next(priority); bulkhead !== undefined; bulkhead = tenants.next(priority)) {
        const waiter = bulkhead.queue.take(priority, tenants.mayEnter);
        if (waiter === undefined) return;
        dequeue(waiter);
        tenants.served(waiter, bulkhead);
        waiter.admit(enter(bulkhead, waiter.tenant));
      }
    }
  }

  function dequeue(waiter: Waiter): void {
    tenants.dequeue(waiter);
    metrics.waiting(tenants.waiting);
  }

  /** False: it was no longer in the queue. */
  function remove(waiter: Waiter, bulkhead: Bulkhead): boolean {
    if (!bulkhead.queue.remove(waiter)) return false;
    dequeue(waiter);
    bulkheads.changed(bulkhead);
    return true;
  }

  function rejectWaiter(waiter: Waiter, bulkhead: Bulkhead, error: VaultError): void {
    if (!remove(waiter, bulkhead)) return;
    metrics.rejected(error.reason);
    waiter.reject(error);
  }

  function enter(bulkhead: Bulkhead, tenant: string): Slot {
    const isHalfOpenProbe = bulkhead.enter();
    bulkheads.changed(bulkhead);
    tenants.enter(tenant);
    metrics.inFlight(tenants.inFlight);
    let reported = false;
    let released = false;
    return {
      report(result) {
        reported = true;
        const refusal = bulkhead.record(result, isHalfOpenProbe);
        bulkheads.changed(bulkhead);
        if (refusal !== undefined) for (const waiter of bulkhead.queue.all()) rejectWaiter(waiter, bulkhead, refusal);
      },
      mayRetry() {
        if (bulkhead.refusal() !== undefined || !bulkhead.takeRetryToken()) return false;
        metrics.retry();
        return true;
      },
      release() {
        if (released) return;
        released = true;
        bulkhead.leave(isHalfOpenProbe && !reported);
        bulkheads.changed(bulkhead);
        tenants.leave(tenant);
        metrics.inFlight(tenants.inFlight);
        tenants.offer(bulkhead);
        admitWaiters();
      },
    };
  }

  /** Makes a place free in the bulkhead's queue and among the places of all. Replaces a waiter if necessary. */
  function takePlace(bulkhead: Bulkhead, request: { tenant: string; priority: Priority }): void {
    const place = bulkhead.queue.findPlace(request) ?? reject(overloaded());
    const isFree = place === 'free';
    // A tenant that replaces its own waiter needs no additional place.
    if ((isFree || place.tenant !== request.tenant) && !tenants.mayWait(request.tenant)) {
      const [lower, lowerBulkhead] = tenants.findLower(request) ?? reject(overloaded());
      rejectWaiter(lower, lowerBulkhead, overloaded());
    }
    if (!isFree) rejectWaiter(place, bulkhead, overloaded());
  }

  function wait(bulkhead: Bulkhead, tenant: string, { priority, signal }: SlotRequest): Promise<Slot> {
    takePlace(bulkhead, { tenant, priority });
    const { promise, resolve, reject } = Promise.withResolvers<Slot>();
    const waiter: Waiter = { tenant, priority, admit: resolve, reject };
    const onAbort = () => {
      if (remove(waiter, bulkhead)) reject(signal?.reason);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    bulkhead.queue.add(waiter);
    bulkheads.changed(bulkhead);
    tenants.enqueue(waiter, bulkhead);
    metrics.waiting(tenants.waiting);
    tenants.offer(bulkhead);
    admitWaiters();
    return promise.finally(() => signal?.removeEventListener('abort', onAbort));
  }

  return {
    async acquire(request) {
      request.signal?.throwIfAborted();
      const bulkhead = bulkheads.get(request.appUid, request.directory) ?? reject(overloaded());
      const refusal = bulkhead.refusal();
      if (refusal !== undefined) reject(refusal);
      const tenant = request.tenant ?? request.appUid;
      const isFree = bulkhead.hasRoom() && bulkhead.queue.size === 0 && tenants.mayEnter(tenant);
      return isFree ? enter(bulkhead, tenant) : wait(bulkhead, tenant, request);
    },
    throttledUntil: bulkheads.throttledUntil,
  };
}

function overloaded(): VaultError {
  const message = 'Too many exchanges with Entra wait for this app and directory. Retry after the given time.';
  return new VaultError('OVERLOADED', message, { retryAfter: SECOND });
}
