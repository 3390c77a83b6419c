import type { Clock } from '../model/clock.ts';
import type { AuditLedger } from './audit_log.ts';
import type { ChainedFile } from './chained_file.ts';
import type { AuditAlert, LogHealth } from './log_health.ts';

/** Saves a checkpoint if the file has grown since the last one. Never rejects. */
export function createCheckpoints(parts: {
  readonly file: ChainedFile;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  readonly health: LogHealth;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
  /** Entry number of the last checkpoint. */
  readonly saved: number | undefined;
}): { save(): Promise<void> } {
  const { file, ledger, clock, health, alert } = parts;
  let { saved } = parts;
  return {
    async save() {
      if (saved === file.sealed || !health.writable) return;
      await file.sync();
      // Only synced entries: after a power failure, a checkpoint ahead of the file would look like a cut.
      const { number, chain } = file.durable;
      if (number === saved) return;
      try {
        await ledger.saveCheckpoint({ number, chain, time: clock.now() });
        saved = number;
      } catch {
        alert?.('audit_checkpoint');
      }
    },
  };
}
