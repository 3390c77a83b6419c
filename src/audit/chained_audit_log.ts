import { createHmac, createSecretKey } from 'node:crypto';
import { type Clock, MINUTE } from '../model/clock.ts';
import { VaultError } from '../model/errors.ts';
import type { AuditFile } from './audit_file.ts';
import type { AuditEntry, AuditLedger, AuditLog } from './audit_log.ts';
import { chainOf, openingLine, sealLine } from './chain.ts';
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
  /** The log was found torn or cut, or a write, sync or checkpoint failed: facts for an alert. */
  readonly alert?: (topic: 'audit_torn' | 'audit_cut' | 'audit_write' | 'audit_sync' | 'audit_checkpoint') => void;
}

export interface AuditMetrics {
  group(entries: number, seconds: number): void;
  writable(is: boolean): void;
}

const CHECKPOINT_EVERY = MINUTE;
const SYNC_EVERY = 1_000;

/** JSON lines in groups; a group is what gathers while the event loop goes round once. */
export async function createChainedAuditLog(parts: ChainedAuditLogParts): Promise<AuditLog> {
  const { file, ledger, clock, instance, metrics, alert } = parts;
  const rotateAt = parts.rotateAt ?? 2 ** 30;
  const key = createSecretKey(await ledger.auditKey());
  const checkpoint = await ledger.lastCheckpoint();
  const end = findEnd(file, checkpoint);
  if (end.found !== 'whole') alert?.(end.found === 'torn' ? 'audit_torn' : 'audit_cut');

  const entryLine = createEntryLine(instance);
  let { number, chain } = end;
  /** Numbers are given in `append`, and taken back where the write fails. */
  let lines = '';
  let waiting: ((error?: VaultError) => void)[] = [];
  let scheduled: NodeJS.Immediate | undefined;
  let writable = true;
  let unsynced = false;
  let savedNumber = checkpoint?.number ?? -1;

  function closeGroup(): void {
    scheduled = undefined;
    const group = lines;
    const answers = waiting;
    lines = '';
    waiting = [];
    const started = performance.now();
    const last = number;
    try {
      const next = chainOf(key, chain, group);
      file.write(group + sealLine(last, next));
      chain = next;
      if (!writable) metrics?.writable(true);
      writable = true;
      unsynced = true;
    } catch (cause) {
      number -= answers.length;
      if (writable) {
        alert?.('audit_write');
        metrics?.writable(false);
      }
      writable = false;
      const error = new VaultError(
        'AUDIT_UNAVAILABLE',
        'The audit log cannot be written, so no answer leaves; free its disk and try again',
        {
          retryAfter: 1_000,
          cause,
        },
      );
      for (const answer of answers) answer(error);
      return;
    }
    metrics?.group(answers.length, (performance.now() - started) / 1_000);
    for (const answer of answers) answer();
    if (file.size >= rotateAt) rotate();
  }

  function open(found: typeof end.found): void {
    const line = openingLine({ after: number, previous: chain, instance, time: clock.now(), found });
    const next = chainOf(key, chain, line);
    file.write(line + sealLine(number, next));
    chain = next;
  }

  function rotate(): void {
    try {
      file.rotate(parts.rotatedName?.(number) ?? `audit.${number}.jsonl`);
      open('whole');
    } catch {
      alert?.('audit_write');
    }
  }

  async function saveCheckpoint(): Promise<void> {
    if (savedNumber === number || !writable) return;
    const at = { number, chain, time: clock.now() };
    // A group that is still gathering has numbers but no seal yet.
    if (waiting.length > 0) at.number -= waiting.length;
    try {
      await ledger.saveCheckpoint(at);
      savedNumber = at.number;
    } catch {
      alert?.('audit_checkpoint');
    }
  }

  function sync(): void {
    if (!unsynced) return;
    unsynced = false;
    file.sync((error) => {
      if (error === null) return;
      unsynced = true;
      alert?.('audit_sync');
    });
  }

  open(end.found);
  const checkpoints = setInterval(saveCheckpoint, CHECKPOINT_EVERY).unref();
  const syncs = setInterval(sync, SYNC_EVERY).unref();
  metrics?.writable(true);

  return {
    append(entry: AuditEntry, done) {
      number += 1;
      lines += entryLine(number, entry);
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
      clearInterval(checkpoints);
      clearInterval(syncs);
      if (scheduled !== undefined) {
        clearImmediate(scheduled);
        closeGroup();
      }
      await saveCheckpoint();
      await new Promise<void>((resolve) => file.sync(() => resolve()));
      file.close();
    },
  };
}
