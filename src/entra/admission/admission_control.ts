import type { Clock, Timestamp } from '../../model/clock.ts';
import { SECOND } from '../../model/clock.ts';
import { VaultError } from '../../model/errors.ts';
import type { Priority } from '../authorization_server.ts';
import type { EntraMetrics } from '../entra_metrics.ts';
import type { PacingOptions } from './admission_options.ts';
import { createLane, type Lane } from './bulkhead.ts';
import { createLaneTable } from './bulkhead_table.ts';
import type { Slot, SlotRequest } from './slot.ts';
import { createTenantTurns } from './tenant_queues.ts';
import { PRIORITIES, type Waiter } from './wait_queue.ts';

/** Lets exchanges through at a pace that Entra bears, so that one slow directory does not starve the others. */
export interface Pacing {
  /** OVERLOADED, ENTRA_THROTTLED, ENTRA_UNAVAILABLE; or the signal's reason when the waiting was ended. */
  acquire(request: SlotRequest): Promise<Slot>;
  throttledUntil(appUid: string): Timestamp | undefined;
}

export function createPacing(parts: { clock: Clock; options: PacingOptions; metrics: EntraMetrics }): Pacing {
  const { clock, options, metrics } = parts;
  const lanes = createLaneTable(options.bulkheads, (appUid, key) =>
    createLane({ appUid, key, clock, options, onCircuitOpened: () => metrics.circuitOpened() }),
  );
  const turns = createTenantTurns({ inFlight: options.totalInFlight, waiting: options.totalWaiting });

  function turnAway(error: VaultError): never {
    metrics.turnedAway(error.reason);
    throw error;
  }

  /** Hands free slots to those who wait: by priority over all bulkheads, in turns among the tenants. */
  function pump(): void {
    for (const priority of PRIORITIES) {
      for (let lane = turns.next(priority); lane !== undefined; lane = turns.next(priority)) {
        const waiter = lane.line.take(priority, turns.mayEnter);
        if (waiter === undefined) return;
        forget(waiter);
        turns.served(waiter, lane);
        waiter.admit(enter(lane, waiter.tenant));
      }
    }
  }

  /** It is in no line any more. */
  function forget(waiter: Waiter): void {
    turns.waitsNoMore(waiter);
    metrics.waiting(turns.waiting);
  }

  function refuse(waiter: Waiter, lane: Lane, error: VaultError): void {
    if (!lane.line.remove(waiter)) return;
    forget(waiter);
    lanes.changed(lane);
    metrics.turnedAway(error.reason);
    waiter.refuse(error);
  }

  function enter(lane: Lane, tenant: string): Slot {
    const isTrial = lane.enter();
    lanes.changed(lane);
    turns.entered(tenant);
    metrics.inFlight(turns.inFlight);
    let reported = false;
    let released = false;
    return {
      report(answer) {
        reported = true;
        const refusal = lane.record(answer, isTrial);
        lanes.changed(lane);
        if (refusal !== undefined) for (const waiter of lane.line.all()) refuse(waiter, lane, refusal);
      },
      mayRetry() {
        if (lane.refusal() !== undefined || !lane.takeRetry()) return false;
        metrics.retry();
        return true;
      },
      release() {
        if (released) return;
        released = true;
        lane.leave(isTrial && !reported);
        lanes.changed(lane);
        turns.left(tenant);
        metrics.inFlight(turns.inFlight);
        turns.offer(lane);
        pump();
      },
    };
  }

  /** In the bulkhead, and of the places that all share. A waiter of a lower priority, or of a tenant with more, gives way. */
  function takePlace(lane: Lane, request: { tenant: string; priority: Priority }): void {
    const place = lane.line.placeFor(request) ?? turnAway(overloaded());
    const isFree = place === 'free';
    // A tenant that replaces a waiter of its own waits for no more than before.
    if ((isFree || place.tenant !== request.tenant) && !turns.mayWait(request.tenant)) {
      const [lower, itsLane] = turns.lowerThan(request) ?? turnAway(overloaded());
      refuse(lower, itsLane, overloaded());
    }
    if (!isFree) refuse(place, lane, overloaded());
  }

  function wait(lane: Lane, tenant: string, { priority, signal }: SlotRequest): Promise<Slot> {
    takePlace(lane, { tenant, priority });
    return new Promise<Slot>((resolve, reject) => {
      const onAbort = () => {
        if (!lane.line.remove(waiter)) return;
        forget(waiter);
        lanes.changed(lane);
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
      lane.line.add(waiter);
      lanes.changed(lane);
      turns.waits(waiter, lane);
      metrics.waiting(turns.waiting);
      turns.offer(lane);
      pump();
    });
  }

  return {
    async acquire(request) {
      request.signal?.throwIfAborted();
      const lane = lanes.get(request.appUid, request.directory) ?? turnAway(overloaded());
      const refusal = lane.refusal();
      if (refusal !== undefined) turnAway(refusal);
      const tenant = request.tenant ?? request.appUid;
      const isFree = lane.hasRoom() && lane.line.size === 0 && turns.mayEnter(tenant);
      return isFree ? enter(lane, tenant) : wait(lane, tenant, request);
    },
    throttledUntil: (appUid) => lanes.throttledUntil(appUid),
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
