import { VaultError } from '../model/errors.ts';
import type { AuditLog } from './audit_log.ts';
import type { ChainedFile } from './chained_file.ts';
import { createEntryLine } from './entry_line.ts';
import type { AuditMetrics, LogHealth } from './log_health.ts';

/** Characters of entries that wait while the file accepts none; beyond that they are refused. */
const MOST_WAITING = 8 * 2 ** 20;

/** The entries that wait for one write: what gathers while the event loop goes round once, or while the file accepts none. */
export interface EntryGroup {
  readonly append: AuditLog['append'];
  /** Writes what is waiting, if the file accepts it, or answers that it is refused. */
  flush(): void;
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

  function refuse(answers: typeof waiting, cause: unknown): void {
    const error = unavailable(cause);
    for (const answer of answers) answer(error);
  }

  function write(): void {
    scheduled = undefined;
    if (waiting.length === 0 || (file.accepts === 'later' && !closed)) return;
    const group = lines;
    const answers = waiting;
    lines = '';
    waiting = [];
    if (file.accepts !== 'now') {
      refuse(answers, 'the disk takes nothing');
      return;
    }
    const started = performance.now();
    try {
      file.write(group, answers.length);
      health.judge('audit_write', true);
    } catch (cause) {
      health.judge('audit_write', false);
      refuse(answers, cause);
      return;
    }
    metrics?.group(answers.length, (performance.now() - started) / 1_000);
    for (const answer of answers) answer();
    file.rotateIfFull();
  }

  return {
    append(entry, done) {
      if (closed || lines.length > MOST_WAITING) return done(unavailable(closed ? 'closed' : 'too much waits'));
      lines += entryLine(file.sealed + waiting.length + 1, entry);
      waiting.push(done);
      scheduled ??= setImmediate(write);
    },
    flush: write,
    close() {
      closed = true;
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
