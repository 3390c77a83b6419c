import { setImmediate } from 'node:timers/promises';
import { type AuditReport, readAuditFiles } from '../../audit/verify_audit_files.ts';
import type { ReadEntry } from '../../audit/verify_stream_files.ts';
import { CommandError } from '../exit_codes.ts';
import { listenForInterruption } from '../listen_for_interruption.ts';
import { showProgress } from '../show_progress.ts';
import { openAuditFiles } from './open_audit_files.ts';

const ENTRIES_A_TURN = 1_000;

/**
 * Reads the files, or those of the configuration, calls `onEntry` with each entry, and returns the report. Progress is
 * shown on standard error, unless the entries are printed to the same terminal.
 */
export async function readWithProgress(
  paths: readonly string[],
  onEntry: (entry: ReadEntry) => Promise<void> | void = () => {},
  { printsEntries = false }: { readonly printsEntries?: boolean } = {},
): Promise<AuditReport> {
  const { bytes, ...parts } = await openAuditFiles(paths);
  const reading = readAuditFiles(parts);
  const interruption = listenForInterruption();
  const read = { entries: 0, bytes: 0 };
  const progress = {
    stream: process.stderr,
    progress: () => ({ done: read.bytes, total: bytes }),
    describe: () => `${read.entries.toLocaleString('en')} entries`,
  };
  const stopProgress = printsEntries && process.stdout.isTTY ? () => {} : showProgress(progress);
  try {
    for (;;) {
      const { done, value } = reading.next();
      if (done === true) {
        read.bytes = bytes;
        return value;
      }
      await onEntry(value);
      read.entries += 1;
      read.bytes += value.text.length;
      // Else neither the progress nor a signal gets a turn.
      if (read.entries % ENTRIES_A_TURN === 0) await setImmediate();
      if (interruption.signal.aborted)
        throw new CommandError(interruption.exitCode, 'Interrupted: the audit log was not read to its end.');
    }
  } finally {
    stopProgress();
    interruption.stopListening();
  }
}
