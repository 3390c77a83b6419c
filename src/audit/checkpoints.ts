import type { Clock } from '../model/clock.ts';
import type { AuditLedger } from './audit_log.ts';
import type { ChainedFile } from './chained_file.ts';
import type { AuditAlert, LogHealth } from './log_health.ts';

/** Saves how far the file has come since the checkpoint `saved`; never rejects. */
export function createCheckpoints(parts: {
  readonly file: ChainedFile;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  readonly health: LogHealth;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
  /** Number of its entry. */
  readonly saved: number | undefined;
}): { save(): Promise<void> } {
  const { file, ledger, clock, health, alert } = parts;
  let { saved } = parts;
  return {
    async save() {
      if (saved === file.sealed || !health.writable) return;
      const at = { number: file.sealed, chain: file.chain, time: clock.now() };
      // First the disk: after a loss of power, a checkpoint ahead of the file would look like a cut.
      await file.sync();
      if (!health.synced) return;
      try {
        await ledger.saveCheckpoint(at);
        saved = at.number;
      } catch {
        alert?.('audit_checkpoint');
      }
    },
  };
}
