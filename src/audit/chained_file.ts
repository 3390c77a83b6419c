import type { KeyObject } from 'node:crypto';
import type { Clock } from '../model/clock.ts';
import type { AuditFile } from './audit_file.ts';
import { chainOf, type Opening, openingLine, sealLine } from './chain.ts';
import type { LogEnd } from './log_end.ts';
import type { AuditAlert, LogHealth } from './log_health.ts';

/** The audit file as a chain of sealed groups. */
export interface ChainedFile {
  /** Number of the last entry under a seal. */
  readonly sealed: number;
  /** The chain up to here, hex. */
  readonly chain: string;
  /** Says where the chain goes on from. Throws what the system says. */
  open(found: Opening['found']): void;
  /** Writes a group of so many entries under its seal. Throws what the system says. */
  write(group: string, entries: number): void;
  /** Sets a full file aside; where that fails, writing goes on in the old one. */
  rotateIfFull(): void;
  /** Begins anew where the file was moved or cut, or where the last write failed. Throws what the system says. */
  mend(): void;
  readonly unsynced: boolean;
  /** Never rejects: how it went is judged. */
  sync(): Promise<void>;
}

export interface ChainedFileParts {
  readonly file: AuditFile;
  readonly key: KeyObject;
  readonly end: LogEnd;
  readonly clock: Clock;
  readonly instance: string;
  readonly health: LogHealth;
  readonly rotateAt?: number | undefined;
  readonly rotatedName?: ((last: number) => string) | undefined;
  readonly alert?: ((topic: AuditAlert) => void) | undefined;
}

const ROTATE_AT = 2 ** 30;
const ROTATE_AGAIN = 2 ** 20;

export function createChainedFile(parts: ChainedFileParts): ChainedFile {
  const { file, key, end, clock, instance, health, alert } = parts;
  const rotateAt = parts.rotateAt ?? ROTATE_AT;
  let sealed = end.number;
  let { chain } = end;
  let rotateFrom = rotateAt;
  let unsynced = false;

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

  return {
    get sealed() {
      return sealed;
    },
    get chain() {
      return chain;
    },
    get unsynced() {
      return unsynced;
    },
    open,
    write(group, entries) {
      if (file.torn) open('torn');
      const last = sealed + entries;
      const next = chainOf(key, chain, group);
      file.write(group + sealLine(last, next));
      sealed = last;
      chain = next;
      unsynced = true;
    },
    rotateIfFull() {
      if (file.size < rotateFrom) return;
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
    },
    mend() {
      const place = file.whereabouts();
      if (place === 'cut') alert?.('audit_cut');
      if (place !== 'here') {
        file.reopen();
        open(place === 'cut' ? 'cut' : 'whole');
      } else if (!health.written) open(file.torn ? 'torn' : 'whole');
    },
    sync() {
      unsynced = false;
      return new Promise((resolve) =>
        file.sync((error) => {
          if (error !== null) unsynced = true;
          health.judge('audit_sync', error === null);
          resolve();
        }),
      );
    },
  };
}
