/** Topic of an alert: the log is torn, cut or altered, or a write, sync, rotation or checkpoint failed. */
export type AuditAlert =
  | 'audit_torn'
  | 'audit_cut'
  | 'audit_altered'
  | 'audit_write'
  | 'audit_sync'
  | 'audit_checkpoint';

export interface AuditMetrics {
  group(entries: number, seconds: number): void;
  writable(is: boolean): void;
}

/** Whether the last write and the last sync succeeded. */
export interface LogHealth {
  readonly written: boolean;
  readonly synced: boolean;
  /** Both succeeded. */
  readonly writable: boolean;
  report(operation: 'audit_write' | 'audit_sync', succeeded: boolean): void;
}

/**
 * Healthy at first. Sends an alert when an operation starts to fail, and updates the metric when `writable` changes.
 */
export function createLogHealth(parts: {
  readonly metrics?: AuditMetrics | undefined;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
}): LogHealth {
  const healthy = { audit_write: true, audit_sync: true };
  let writable = true;
  return {
    get written() {
      return healthy.audit_write;
    },
    get synced() {
      return healthy.audit_sync;
    },
    get writable() {
      return writable;
    },
    report(operation, succeeded) {
      if (healthy[operation] && !succeeded) parts.alert?.(operation);
      healthy[operation] = succeeded;
      if (writable !== (healthy.audit_write && healthy.audit_sync)) {
        writable = !writable;
        parts.metrics?.writable(writable);
      }
    },
  };
}
