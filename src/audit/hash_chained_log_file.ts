import type { Clock } from '../model/clock.ts';
import type { AuditFile } from './audit_log_file.ts';
import type { AuditAlert, LogHealth } from './audit_log_health.ts';
import { createGroupMemory } from './group_memory.ts';
import {
  type ChainPoint,
  chainOf,
  gapLine,
  type Opening,
  openingLine,
  type StreamKey,
  sealLine,
} from './hash_chain.ts';
import { createUnsyncedGroups } from './log_lines_awaiting_fsync.ts';
import { createSerialWork } from './serial_work_queue.ts';

/** The audit file as a chain of sealed groups. */
export interface ChainedFile {
  /** Number of the last sealed entry. */
  readonly sealed: number;
  /** The last synced point. */
  readonly durable: ChainPoint;
  /**
   * `later`: after a sync; then `onAccepting` is called. `no`: the disk failed, and the next file could not be written.
   */
  readonly accepts: 'now' | 'later' | 'no';
  /** Writes where the chain continues. Throws the system error. */
  open(found: Opening['found']): void;
  /** Writes a group with its seal. Throws the system error. */
  write(group: string, entries: number): void;
  /** Rotates a full file. If that fails, writing continues in the current file. */
  rotateIfFull(): void;
  /** Rotates the file unless it is new. */
  rotate(): Promise<AuditRotation>;
  /** Once a second: recovers from a moved or cut file and from disk errors, and syncs. */
  maintain(): void;
  /** Resolves after a sync attempt. Never rejects: the result goes to `health`. */
  sync(): Promise<void>;
  /** Resolves when no work is left, after a last retry if the disk failed. */
  settle(): Promise<void>;
}

/** `after`: the last entry of the file before. `nothing`: the file has no entries yet, or is a stream. */
export type AuditRotation =
  | { readonly kind: 'rotated'; readonly after: number }
  | { readonly kind: 'nothing' | 'failed' };

export interface ChainedFileParts {
  readonly file: AuditFile;
  readonly key: StreamKey;
  /** Where the chain continues. */
  readonly end: ChainPoint;
  readonly clock: Clock;
  readonly instance: string;
  readonly health: LogHealth;
  /** `accepts` changed. */
  readonly onAccepting: () => void;
  readonly rotateAt?: number | undefined;
  readonly rotatedName?: ((last: number) => string) | undefined;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
}

const ROTATE_AT = 2 ** 30;
const ROTATE_AGAIN = 2 ** 20;
type ReplacementReason = 'full' | 'moved' | 'cut' | 'gap';

/** In calls of `maintain`. */
const LONGEST_PAUSE = 32;

export function createChainedFile(parts: ChainedFileParts): ChainedFile {
  const { file, key, end, clock, instance, health, alert } = parts;
  const { streamId } = key;
  const rotateAt = parts.rotateAt ?? ROTATE_AT;
  const work = createSerialWork();
  const unsynced = createUnsyncedGroups();
  const memory = createGroupMemory();
  let written: ChainPoint = { number: end.number, chain: end.chain };
  let durable = written;
  let rotateFrom = rotateAt;
  /** What a file has before its first entry. */
  let sizeWhenNew = 0;
  let replacements = 0;
  let isSynced = true;
  /** Sync error of the current file, which is never written or synced again. */
  let diskError: Error | undefined;
  let isReplacing = false;
  /** Reason of a replacement that failed. */
  let failedReplacement: ReplacementReason | undefined;
  let runsFull = 0;
  let pause = 1;
  let runsToRetry = 0;

  function sealed(lines: Buffer, number: number, previous: ChainPoint): { bytes: Buffer; end: ChainPoint } {
    const point = { number, chain: chainOf(key, previous.chain, lines) };
    return { bytes: Buffer.concat([lines, Buffer.from(sealLine(point))]), end: point };
  }

  function opening(found: Opening['found']): { bytes: Buffer; end: ChainPoint } {
    const line = openingLine({ after: written, streamId, instance, time: clock.now(), found });
    return sealed(Buffer.from(line), written.number, written);
  }

  /** The gap line, and the unsynced groups again. */
  function gapAndRepeats(error: Error): { bytes: Buffer; end: ChainPoint } {
    const code = 'code' in error ? String(error.code) : 'unknown error';
    const gap = gapLine({ durable, written, streamId, error: code, instance, time: clock.now() });
    let { bytes, end: point } = sealed(Buffer.from(gap), durable.number, durable);
    const groups = [bytes];
    for (const { lines, entries } of unsynced.all) {
      ({ bytes, end: point } = sealed(lines, point.number + entries, point));
      groups.push(bytes);
    }
    return { bytes: Buffer.concat(groups), end: point };
  }

  function open(found: Opening['found']): void {
    const { bytes, end: point } = opening(found);
    if (file.size === 0) sizeWhenNew = bytes.length;
    file.write(bytes);
    written = point;
    isSynced = false;
  }

  function confirm(mark: number): void {
    unsynced.confirm(mark);
    memory.release(mark);
  }

  function syncNow(): Promise<void> {
    if (diskError !== undefined) return Promise.resolve();
    const mark = unsynced.mark();
    const point = written;
    isSynced = true;
    return new Promise((resolve) =>
      file.sync((error) => {
        if (error === null) {
          const wasFull = unsynced.full;
          confirm(mark);
          durable = point;
          health.report('audit_sync', true);
          if (wasFull) parts.onAccepting();
        } else {
          diskError = error;
          health.report('audit_sync', false);
        }
        resolve();
      }),
    );
  }

  function replace(reason: ReplacementReason): Promise<void> {
    isReplacing = true;
    return work.run('replace', async () => {
      await syncNow();
      const { bytes, end: point } =
        diskError === undefined ? opening(reason === 'cut' ? 'cut' : 'whole') : gapAndRepeats(diskError);
      try {
        await file.replace(parts.rotatedName?.(written.number) ?? `audit.${written.number}.jsonl`, bytes);
        written = point;
        durable = point;
        sizeWhenNew = reason === 'gap' ? 0 : bytes.length;
        replacements += 1;
        confirm(unsynced.mark());
        diskError = undefined;
        failedReplacement = undefined;
        isSynced = true;
        pause = 1;
        rotateFrom = rotateAt;
        health.report('audit_sync', true);
        health.report('audit_write', true);
      } catch {
        failToReplace(reason);
      }
      isReplacing = false;
      parts.onAccepting();
    });
  }

  function failToReplace(reason: ReplacementReason): void {
    if (reason === 'full' && diskError === undefined) {
      // Not retried at each group, because the cause usually lasts a while.
      rotateFrom = file.size + ROTATE_AGAIN;
      alert?.('audit_write');
      return;
    }
    failedReplacement = reason;
    runsToRetry = pause;
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    if (diskError === undefined) health.report('audit_write', false);
  }

  function sync(): Promise<void> {
    return work.run('sync', async () => {
      await syncNow();
      if (diskError !== undefined && !isReplacing && failedReplacement === undefined) void replace('gap');
    });
  }

  async function rotate(): Promise<AuditRotation> {
    await work.idle();
    const location = file.location();
    if (!file.readable || (location === 'here' && file.size === sizeWhenNew)) return { kind: 'nothing' };
    if (location === 'cut') alert?.('audit_cut');
    const before = replacements;
    const { number: after } = written;
    await replace(location === 'here' ? 'full' : location);
    return replacements > before ? { kind: 'rotated', after } : { kind: 'failed' };
  }

  return {
    get sealed() {
      return written.number;
    },
    get durable() {
      return durable;
    },
    get accepts() {
      if (failedReplacement !== undefined) return 'no';
      return isReplacing || diskError !== undefined || unsynced.full ? 'later' : 'now';
    },
    open,
    write(group, entries) {
      if (file.torn) open('torn');
      const lines = memory.encode(group);
      const point = { number: written.number + entries, chain: chainOf(key, written.chain, lines) };
      file.write(memory.extend(lines, sealLine(point)));
      written = point;
      unsynced.add({ lines, entries });
      memory.keep(lines, unsynced.mark());
      isSynced = false;
      if (unsynced.filling) void sync();
    },
    rotateIfFull() {
      if (file.size >= rotateFrom && !isReplacing) void replace('full');
    },
    rotate,
    maintain() {
      runsFull = unsynced.full ? runsFull + 1 : 0;
      // The disk hangs without an error.
      if (runsFull > 1) health.report('audit_sync', false);
      if (isReplacing) return;
      if (failedReplacement !== undefined) {
        runsToRetry -= 1;
        if (runsToRetry <= 0) void replace(failedReplacement);
        return;
      }
      const location = file.location();
      if (location === 'cut') alert?.('audit_cut');
      if (location !== 'here') void replace(location);
      else if (!health.written) {
        open(file.torn ? 'torn' : 'whole');
        health.report('audit_write', true);
      }
      if (!isSynced) void sync();
    },
    sync,
    async settle() {
      await work.idle();
      if (failedReplacement !== undefined) await replace(failedReplacement);
    },
  };
}
