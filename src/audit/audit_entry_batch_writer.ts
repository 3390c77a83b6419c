import { VaultError } from '../model/errors.ts';
import type { AuditMetrics, LogHealth } from './audit_log_health.ts';
import type { AuditLog } from './audit_log_interface.ts';
import { createEntryLine } from './format_entry_as_json_line.ts';
import type { ChainedFile } from './hash_chained_log_file.ts';

/** Characters of entries that are buffered while the file accepts none; further entries are rejected. */
const MAX_BUFFERED = 8 * 2 ** 20;

/** Collects entries for one write: those of one turn of the event loop, or more while the file accepts none. */
export interface EntryGroup {
  readonly append: AuditLog['append'];
  /** Writes the buffered entries, or rejects them if the file does not accept them. */
  flush(): void;
  /** Writes the buffered entries, and rejects further ones. */
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
      refuse(answers, 'the disk accepts no data');
      return;
    }
    const started = performance.now();
    try {
      file.write(group, answers.length);
      health.report('audit_write', true);
    } catch (cause) {
      health.report('audit_write', false);
      refuse(answers, cause);
      return;
    }
    metrics?.group(answers.length, (performance.now() - started) / 1_000);
    for (const answer of answers) answer();
    file.rotateIfFull();
  }

  return {
    append(entry, done) {
      if (closed || lines.length > MAX_BUFFERED)
        return done(unavailable(closed ? 'closed' : 'too many entries are buffered'));
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
    'The audit log cannot be written, so the vault sends no responses. Check its disk, then retry.',
    { retryAfter: 1_000, cause },
  );
}
