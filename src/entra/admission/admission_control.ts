import type { Clock, Timestamp } from '../../model/clock.ts';
import { SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Priority } from '../authorization_server.ts';
import type { EntraMetrics } from '../entra_metrics.ts';
import type { AdmissionOptions } from './admission_options.ts';
import { type Bulkhead, createBulkhead } from './bulkhead.ts';
import { createBulkheadTable } from './bulkhead_table.ts';
import type { Slot, SlotRequest } from './slot.ts';
import { createTenantQueues } from './tenant_queues.ts';
import { PRIORITIES, type Waiter } from './wait_queue.ts';

/** Lets exchanges through at a pace that Entra bears, so that one slow directory does not starve the others. */
export interface AdmissionControl {
  /** OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE; or the signal's reason when the waiting was ended. */
  acquire(request: SlotRequest): Promise<Slot>;
  throttledUntil(appUid: string): Timestamp | undefined;
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
  const turns = createTenantQueues({ inFlight: options.totalInFlight, waiting: options.totalWaiting });

  function turnAway(error: VaultError): never {
    metrics.rejected(error.reason);
    throw error;
  }

  /** Hands free slots to those who wait: by priority over all bulkheads, in turns among the tenants. */
  function pump(): void {
    for (const priority of PRIORITIES) {
      for (let bulkhead = turns.next(priority); bulkhead !== undefined; bulkhead = turns.next(priority)) {
        const waiter = bulkhead.queue.take(priority, turns.mayEnter);
        if (waiter === undefined) return;
        forget(waiter);
        turns.served(waiter, bulkhead);
        waiter.admit(enter(bulkhead, waiter.tenant));
      }
    }
  }

  /** It is in no line any more. */
  function forget(waiter: Waiter): void {
    turns.waitsNoMore(waiter);
    metrics.waiting(turns.waiting);
  }

  function refuse(waiter: Waiter, bulkhead: Bulkhead, error: VaultError): void {
    if (!bulkhead.queue.remove(waiter)) return;
    forget(waiter);
    bulkheads.changed(bulkhead);
    metrics.rejected(error.reason);
    waiter.refuse(error);
  }

  function enter(bulkhead: Bulkhead, tenant: string): Slot {
    const isHalfOpenProbe = bulkhead.enter();
    bulkheads.changed(bulkhead);
    turns.entered(tenant);
    metrics.inFlight(turns.inFlight);
    let reported = false;
    let released = false;
    return {
      report(answer) {
        reported = true;
        const refusal = bulkhead.record(answer, isHalfOpenProbe);
        bulkheads.changed(bulkhead);
        if (refusal !== undefined) for (const waiter of bulkhead.queue.all()) refuse(waiter, bulkhead, refusal);
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
        turns.left(tenant);
        metrics.inFlight(turns.inFlight);
        turns.offer(bulkhead);
        pump();
      },
    };
  }

  /** In the bulkhead, and of the places that all share. A waiter of a lower priority, or of a tenant with more, gives way. */
  function takePlace(bulkhead: Bulkhead, request: { tenant: string; priority: Priority }): void {
    const place = bulkhead.queue.placeFor(request) ?? turnAway(overloaded());
    const isFree = place === 'free';
    // A tenant that replaces a waiter of its own waits for no more than before.
    if ((isFree || place.tenant !== request.tenant) && !turns.mayWait(request.tenant)) {
      const [lower, bulkhead] = turns.lowerThan(request) ?? turnAway(overloaded());
      refuse(lower, bulkhead, overloaded());
    }
    if (!isFree) refuse(place, bulkhead, overloaded());
  }

  function wait(bulkhead: Bulkhead, tenant: string, { priority, signal }: SlotRequest): Promise<Slot> {
    takePlace(bulkhead, { tenant, priority });
    return new Promise<Slot>((resolve, reject) => {
      const onAbort = () => {
        if (!bulkhead.queue.remove(waiter)) return;
        forget(waiter);
        bulkheads.changed(bulkhead);
        reject(signal?.reason);
      };
      const waiter: Waiter = {
        tenant,
        priority,
        admit(slot) {
          signal?.removeEventListener('abort', onAbort);
          resolve(slot);
        },
        refuse(error) {
          signal?.removeEventListener('abort', onAbort);
          reject(error);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      bulkhead.queue.add(waiter);
      bulkheads.changed(bulkhead);
      turns.waits(waiter, bulkhead);
      metrics.waiting(turns.waiting);
      turns.offer(bulkhead);
      pump();
    });
  }

  return {
    async acquire(request) {
      request.signal?.throwIfAborted();
      const bulkhead = bulkheads.get(request.appUid, request.directory) ?? turnAway(overloaded());
      const refusal = bulkhead.refusal();
      if (refusal !== undefined) turnAway(refusal);
      const tenant = request.tenant ?? request.appUid;
      const isFree = bulkhead.hasRoom() && bulkhead.queue.size === 0 && turns.mayEnter(tenant);
      return isFree ? enter(bulkhead, tenant) : wait(bulkhead, tenant, request);
    },
    throttledUntil: (appUid) => bulkheads.throttledUntil(appUid),
  };
}

function overloaded(): VaultError {
  return new VaultError(
    'OVERLOADED',
    'Too many exchanges with Entra wait for this app and directory; ask again shortly.',
    {
      retryAfter: SECOND,
    },
  );
}
