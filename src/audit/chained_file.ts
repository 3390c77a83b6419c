import type { KeyObject } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import type { AuditFile } from './audit_file.ts';
import { type ChainPoint, chainOf, gapLine, type Opening, openingLine, sealLine } from './chain.ts';
import type { LogEnd } from './log_end.ts';
import type { AuditAlert, LogHealth } from './log_health.ts';
import { createSerialWork } from './serial_work.ts';
import { createUnsyncedGroups } from './unsynced_groups.ts';

/** The audit file as a chain of sealed groups. */
export interface ChainedFile {
  /** Number of the last entry under a seal. */
  readonly sealed: number;
  /** The last point that the disk is known to hold. */
  readonly durable: ChainPoint;
  /** `later`: not before the disk has taken what was written; `onAccepting` is called then. `no`: the disk refused it, and the next file too. */
  readonly accepts: 'now' | 'later' | 'no';
  /** Says where the chain goes on from. Throws what the system says. */
  open(found: Opening['found']): void;
  /** Writes a group of so many entries under its seal. Throws what the system says. */
  write(group: string, entries: number): void;
  /** Sets a full file aside; where that fails, writing goes on in the old one. */
  rotateIfFull(): void;
  /** Once a second: goes on where the file was moved or cut, or where the disk refused, and brings what was written onto the disk. */
  tend(): void;
  /** Resolves once the disk was asked to hold what was written before. Never rejects: how it went is judged. */
  sync(): Promise<void>;
  /** Resolves once nothing is under way; with one more try where the disk refused. */
  settle(): Promise<void>;
}

export interface ChainedFileParts {
  readonly file: AuditFile;
  readonly key: KeyObject;
  readonly end: LogEnd;
  readonly clock: Clock;
  readonly instance: string;
  readonly health: LogHealth;
  /** The file accepts groups again, or refuses them from now on. */
  readonly onAccepting: () => void;
  readonly rotateAt?: number | undefined;
  readonly rotatedName?: ((last: number) => string) | undefined;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
}

const ROTATE_AT = 2 ** 30;
const ROTATE_AGAIN = 2 ** 20;
type Why = 'full' | 'moved' | 'cut' | 'gap';

/** In calls of `tend`. */
const LONGEST_PAUSE = 32;

export function createChainedFile(parts: ChainedFileParts): ChainedFile {
  const { file, key, end, clock, instance, health, alert } = parts;
  const rotateAt = parts.rotateAt ?? ROTATE_AT;
  const work = createSerialWork();
  const kept = createUnsyncedGroups();
  let written: ChainPoint = { number: end.number, chain: end.chain };
  let durable = written;
  let rotateFrom = rotateAt;
  let isSynced = true;
  /** What the system said when the disk refused the present file. From then on it is never written or synced again. */
  let diskError: Error | undefined;
  let isReplacing = false;
  /** Why the file had to be replaced by another, which could not be written. */
  let refusedWhy: Why | undefined;
  let ticksFull = 0;
  let pause = 1;
  let ticksToRetry = 0;

  function sealed(lines: string, number: number, previous: ChainPoint): { text: string; end: ChainPoint } {
    const point = { number, chain: chainOf(key, previous.chain, lines) };
    return { text: lines + sealLine(point), end: point };
  }

  function opening(found: Opening['found']): { text: string; end: ChainPoint } {
    return sealed(openingLine({ after: written, instance, time: clock.now(), found }), written.number, written);
  }

  /** The gap, and all that the disk may not hold once more. */
  function bridge(error: Error): { text: string; end: ChainPoint } {
    const code = 'code' in error ? String(error.code) : 'unknown error';
    const gap = gapLine({ durable, written, error: code, instance, time: clock.now() });
    let { text, end: point } = sealed(gap, durable.number, durable);
    for (const group of kept.all) {
      const next = sealed(group.text, point.number + group.entries, point);
      text += next.text;
      point = next.end;
    }
    return { text, end: point };
  }

  function open(found: Opening['found']): void {
    const { text, end: point } = opening(found);
    file.write(text);
    written = point;
    isSynced = false;
  }

  function syncNow(): Promise<void> {
    if (diskError !== undefined) return Promise.resolve();
    const mark = kept.mark();
    const point = written;
    isSynced = true;
    return new Promise((resolve) =>
      file.sync((error) => {
        if (error === null) {
          const wasFull = kept.full;
          kept.confirm(mark);
          durable = point;
          health.judge('audit_sync', true);
          if (wasFull) parts.onAccepting();
        } else {
          diskError = error;
          health.judge('audit_sync', false);
        }
        resolve();
      }),
    );
  }

  function replace(why: Why): Promise<void> {
    isReplacing = true;
    return work.run('replace', async () => {
      await syncNow();
      const { text, end: point } =
        diskError === undefined ? opening(why === 'cut' ? 'cut' : 'whole') : bridge(diskError);
      try {
        await file.replace(parts.rotatedName?.(written.number) ?? `audit.${written.number}.jsonl`, text);
        written = point;
        durable = point;
        kept.confirm(kept.mark());
        diskError = undefined;
        refusedWhy = undefined;
        isSynced = true;
        pause = 1;
        rotateFrom = rotateAt;
        health.judge('audit_sync', true);
        health.judge('audit_write', true);
      } catch {
        failToReplace(why);
      }
      isReplacing = false;
      parts.onAccepting();
    });
  }

  function failToReplace(why: Why): void {
    if (why === 'full' && diskError === undefined) {
      // Not at every group again: what keeps it from its place will last a while.
      rotateFrom = file.size + ROTATE_AGAIN;
      alert?.('audit_write');
      return;
    }
    refusedWhy = why;
    ticksToRetry = pause;
    pause = Math.min(pause * 2, LONGEST_PAUSE);
    if (diskError === undefined) health.judge('audit_write', false);
  }

  function sync(): Promise<void> {
    return work.run('sync', async () => {
      await syncNow();
      if (diskError !== undefined && !isReplacing && refusedWhy === undefined) void replace('gap');
    });
  }

  return {
    get sealed() {
      return written.number;
    },
    get durable() {
      return durable;
    },
    get accepts() {
      if (refusedWhy !== undefined) return 'no';
      return isReplacing || diskError !== undefined || kept.full ? 'later' : 'now';
    },
    open,
    write(group, entries) {
      if (file.torn) open('torn');
      const next = sealed(group, written.number + entries, written);
      file.write(next.text);
      written = next.end;
      kept.add({ text: group, entries });
      isSynced = false;
      if (kept.filling) void sync();
    },
    rotateIfFull() {
      if (file.size >= rotateFrom && !isReplacing) void replace('full');
    },
    tend() {
      ticksFull = kept.full ? ticksFull + 1 : 0;
      // It does not fail, but hangs.
      if (ticksFull > 1) health.judge('audit_sync', false);
      if (isReplacing) return;
      if (refusedWhy !== undefined) {
        ticksToRetry -= 1;
        if (ticksToRetry <= 0) void replace(refusedWhy);
        return;
      }
      const place = file.whereabouts();
      if (place === 'cut') alert?.('audit_cut');
      if (place !== 'here') void replace(place);
      else if (!health.written) {
        open(file.torn ? 'torn' : 'whole');
        health.judge('audit_write', true);
      }
      if (!isSynced) void sync();
    },
    sync,
    async settle() {
      await work.idle();
      if (refusedWhy !== undefined) await replace(refusedWhy);
    },
  };
}
