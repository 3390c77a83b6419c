import type { Clock, Timestamp } from '../../model/clock.ts';
import type { VaultError } from '../../model/errors.ts';
import type { Priority } from '../entra_client_interface.ts';
import type { EntraMetrics } from '../entra_metrics_interface.ts';
import { type AdmissionOptions, EXCHANGE_KINDS } from './admission_options.ts';
import { type Bulkhead, createBulkhead } from './app_directory_bulkhead.ts';
import { createBulkheadTable } from './bulkhead_table.ts';
import type { Slot } from './slot.ts';
import { createSlotAdmission, overloaded } from './slot_admission.ts';

/** Admits exchanges with Entra, so that one slow directory, one busy tenant, or one caller does not starve the others. */
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
  /** The caller that forces the exchange. It has a share of its own in each tenant. Undefined: the exchange is not forced. */
  readonly forcedBy?: string | undefined;
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

  function rejectWaiters(bulkhead: Bulkhead, refusal: VaultError): void {
    for (const kind of EXCHANGE_KINDS) admissions[kind].rejectWaiters(bulkhead, refusal);
  }

  function countSlots(): void {
    const { regular, forced } = admissions;
    metrics.inFlight(regular.inFlight() + forced.inFlight());
    metrics.waiting(regular.waiting() + forced.waiting());
  }

  const shared = { changed: bulkheads.changed, rejectWaiters, countSlots, metrics };
  const admissions = {
    regular: createSlotAdmission({ ...shared, kind: 'regular', limits: options }),
    forced: createSlotAdmission({ ...shared, kind: 'forced', limits: options.forced }),
  };

  function reject(error: VaultError): never {
    metrics.rejected(error.reason);
    throw error;
  }

  return {
    async acquire({ appUid, directory, tenant = appUid, forcedBy, priority, signal }) {
      signal?.throwIfAborted();
      const bulkhead = bulkheads.get(appUid, directory) ?? reject(overloaded());
      const refusal = bulkhead.refusal();
      if (refusal !== undefined) reject(refusal);
      const request = { priority, signal };
      return forcedBy === undefined
        ? admissions.regular.acquire(bulkhead, { ...request, tenant })
        : admissions.forced.acquire(bulkhead, { ...request, tenant: `${tenant} ${forcedBy}` });
    },
    throttledUntil: bulkheads.throttledUntil,
  };
}
