/** The log was found torn, cut or altered, or a write, sync, rotation or checkpoint failed: facts for an alert. */
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

/** What the last write and the last sync say of the log. */
export interface LogHealth {
  readonly written: boolean;
  readonly synced: boolean;
  /** Both. */
  readonly writable: boolean;
  judge(of: 'audit_write' | 'audit_sync', well: boolean): void;
}

/** Well at first; alerts when one of the two goes bad, and counts when the log does. */
export function createLogHealth(told: {
  readonly metrics?: AuditMetrics | undefined;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
}): LogHealth {
  const well = { audit_write: true, audit_sync: true };
  let writable = true;
  return {
    get written() {
      return well.audit_write;
    },
    get synced() {
      return well.audit_sync;
    },
    get writable() {
      return writable;
    },
    judge(of, isWell) {
      const wasWell = well[of];
      well[of] = isWell;
      if (wasWell && !isWell) told.alert?.(of);
      if (writable !== (well.audit_write && well.audit_sync)) {
        writable = !writable;
        told.metrics?.writable(writable);
      }
    },
  };
}
