import { VaultError } from '../model/errors.ts';
import type { AuditLog } from './audit_log.ts';
import type { ChainedFile } from './chained_file.ts';
import { createEntryLine } from './entry_line.ts';
import type { AuditMetrics, LogHealth } from './log_health.ts';

/** The entries that wait for one write: what gathers while the event loop goes round once. */
export interface EntryGroup {
  readonly append: AuditLog['append'];
  /** Writes what is waiting, and takes nothing more. */
  close(): void;
}

export function createEntryGroup(parts: {
  readonly file: ChainedFile;
  readonly instance: string;
  readonly health: LogHealth;
  readonly metrics?: AuditMetrics | undefined;
}): EntryGroup {
  const { file, health, metrics } = parts;
  const entryLine = createEntryLine(parts.instance);
  let lines = '';
  let waiting: ((error?: VaultError) => void)[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let closed = false;

  function write(): void {
    scheduled = undefined;
    const group = lines;
    const answers = waiting;
    lines = '';
    waiting = [];
    const started = performance.now();
    try {
      file.write(group, answers.length);
      health.judge('audit_write', true);
    } catch (cause) {
      health.judge('audit_write', false);
      const error = unavailable(cause);
      for (const answer of answers) answer(error);
      return;
    }
    metrics?.group(answers.length, (performance.now() - started) / 1_000);
    for (const answer of answers) answer();
    file.rotateIfFull();
  }

  return {
    append(entry, done) {
      if (closed) return done(unavailable('closed'));
      lines += entryLine(file.sealed + waiting.length + 1, entry);
      waiting.push(done);
      scheduled ??= setImmediate(write);
    },
    close() {
      closed = true;
      if (scheduled === undefined) return;
      clearImmediate(scheduled);
      write();
    },
  };
}

function unavailable(cause: unknown): VaultError {
  return new VaultError(
    'AUDIT_UNAVAILABLE',
    'The audit log cannot be written, so no answer leaves; free its disk and try again',
    { retryAfter: 1_000, cause },
  );
}
