import { createHmac, createSecretKey } from 'node:crypto';
import { type Clock, MINUTE } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { AuditFile } from './audit_file.ts';
import type { AuditEntry, AuditLedger, AuditLog } from './audit_log.ts';
import { chainOf, type Opening, openingLine, sealLine } from './chain.ts';
import { createEntryLine } from './entry_line.ts';
import { findEnd } from './log_end.ts';

export interface ChainedAuditLogParts {
  readonly file: AuditFile;
  readonly ledger: AuditLedger;
  readonly clock: Clock;
  /** Names this process in every line. */
  readonly instance: string;
  /** A file that grew to this many bytes is set aside. Default 1 GiB. */
  readonly rotateAt?: number;
  /** Name of the file that is set aside, by the number of its last entry. */
  readonly rotatedName?: (last: number) => string;
  readonly metrics?: AuditMetrics;
  /** The log was found torn or cut, or a write, sync, rotation or checkpoint failed: facts for an alert. */
  readonly alert?: (topic: AuditAlert) => void;
}

export type AuditAlert = 'audit_torn' | 'audit_cut' | 'audit_write' | 'audit_sync' | 'audit_checkpoint';

export interface AuditMetrics {
  group(entries: number, seconds: number): void;
  writable(is: boolean): void;
}

const CHECKPOINT_EVERY = MINUTE;
const TEND_EVERY = 1_000;
const ROTATE_AGAIN = 2 ** 20;

/** JSON lines in groups; a group is what gathers while the event loop goes round once. */
export async function createChainedAuditLog(parts: ChainedAuditLogParts): Promise<AuditLog> {
  const { file, ledger, clock, instance, metrics, alert } = parts;
  const rotateAt = parts.rotateAt ?? 2 ** 30;
  const key = createSecretKey(await ledger.auditKey());
  const checkpoint = await ledger.lastCheckpoint();
  const end = findEnd(file, checkpoint);
  if (end.found !== 'whole') alert?.(end.found === 'torn' ? 'audit_torn' : 'audit_cut');

  const entryLine = createEntryLine(instance);
  /** Number of the last entry under a seal; those that wait come behind it. */
  let sealed = end.number;
  let { chain } = end;
  let lines = '';
  let waiting: ((error?: VaultError) => void)[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let written = true;
  let synced = true;
  let writable = true;
  let unsynced = false;
  let closed = false;
  let rotateFrom = rotateAt;
  let savedNumber = checkpoint?.number ?? -1;

  function closeGroup(): void {
    scheduled = undefined;
    const group = lines;
    const answers = waiting;
    lines = '';
    waiting = [];
    const started = performance.now();
    try {
      if (file.torn) open('torn');
      const last = sealed + answers.length;
      const next = chainOf(key, chain, group);
      file.write(group + sealLine(last, next));
      sealed = last;
      chain = next;
      unsynced = true;
      judge('audit_write', true);
    } catch (cause) {
      judge('audit_write', false);
      const error = unavailable(cause);
      for (const answer of answers) answer(error);
      return;
    }
    metrics?.group(answers.length, (performance.now() - started) / 1_000);
    for (const answer of answers) answer();
    if (file.size >= rotateFrom) rotate();
  }

  /** What the last write and the last sync say of the log. */
  function judge(of: 'audit_write' | 'audit_sync', well: boolean): void {
    const wasWell = of === 'audit_write' ? written : synced;
    if (of === 'audit_write') written = well;
    else synced = well;
    if (wasWell && !well) alert?.(of);
    if (writable !== (written && synced)) {
      writable = !writable;
      metrics?.writable(writable);
    }
  }

  function opening(found: Opening['found']): { text: string; next: string } {
    const line = openingLine({ after: sealed, previous: chain, instance, time: clock.now(), found });
    const next = chainOf(key, chain, line);
    return { text: line + sealLine(sealed, next), next };
  }

  function open(found: Opening['found']): void {
    const { text, next } = opening(found);
    file.write(text);
    chain = next;
    unsynced = true;
  }

  function rotate(): void {
    try {
      const { text, next } = opening('whole');
      file.rotate(parts.rotatedName?.(sealed) ?? `audit.${sealed}.jsonl`, text);
      chain = next;
      rotateFrom = rotateAt;
    } catch {
      // Not at every group again: what keeps it from its place will last a while.
      rotateFrom = file.size + ROTATE_AGAIN;
      alert?.('audit_write');
    }
  }

  /** Without callers nothing is written, and without readiness no callers come: so a log that failed tries by itself. */
  function tend(): void {
    try {
      const place = file.whereabouts();
      if (place === 'cut') alert?.('audit_cut');
      if (place !== 'here') {
        file.reopen();
        open(place === 'cut' ? 'cut' : 'whole');
      } else if (!written) open(file.torn ? 'torn' : 'whole');
      judge('audit_write', true);
    } catch {
      judge('audit_write', false);
    }
    if (unsynced) void sync();
  }

  function sync(): Promise<void> {
    unsynced = false;
    return new Promise((resolve) =>
      file.sync((error) => {
        if (error !== null) unsynced = true;
        judge('audit_sync', error === null);
        resolve();
      }),
    );
  }

  async function saveCheckpoint(): Promise<void> {
    if (savedNumber === sealed || !writable) return;
    const at = { number: sealed, chain, time: clock.now() };
    // First the disk: after a loss of power, a checkpoint ahead of the file would look like a cut.
    await sync();
    if (!synced) return;
    try {
      await ledger.saveCheckpoint(at);
      savedNumber = at.number;
    } catch {
      alert?.('audit_checkpoint');
    }
  }

  open(end.found);
  const checkpoints = setInterval(saveCheckpoint, CHECKPOINT_EVERY).unref();
  const tending = setInterval(tend, TEND_EVERY).unref();
  metrics?.writable(true);

  return {
    append(entry: AuditEntry, done) {
      if (closed) return done(unavailable('closed'));
      lines += entryLine(sealed + waiting.length + 1, entry);
      waiting.push(done);
      scheduled ??= setImmediate(closeGroup);
    },
    fingerprint(token) {
      return createHmac('sha256', key).update(token.reveal(), 'utf8').digest('hex').slice(0, 16);
    },
    get writable() {
      return writable;
    },
    async close() {
      closed = true;
      clearInterval(checkpoints);
      clearInterval(tending);
      if (scheduled !== undefined) {
        clearImmediate(scheduled);
        closeGroup();
      }
      await saveCheckpoint();
      await sync();
      file.close();
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
