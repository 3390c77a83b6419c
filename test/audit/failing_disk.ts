import { existsSync, statSync, truncateSync } from 'node:fs';
import { type AuditFile, openAuditFile } from '../../src/audit/audit_log_file.ts';

export interface FailingDisk extends AuditFile {
  /** The next so many calls of `fdatasync` fail; the pages that they lose are never written, as in Linux. */
  failNext(syncs: number): void;
  /** How many calls of `fdatasync` have ended. */
  readonly syncs: number;
  /** Syncs are answered only once this is called. */
  hold(): () => void;
  /** Replacing the file fails while `refused` is set. */
  readonly replacing: { refused: boolean; count: number };
  /** All pages that no successful sync covered are gone. */
  cutPower(): void;
}

const EIO = Object.assign(new Error('input/output error'), { code: 'EIO' });

/** Real files over a disk that fails when a test says so. */
export function openFailingDisk(path: string): FailingDisk {
  const real = openAuditFile(path);
  const replacing = { refused: false, count: 0 };
  const lost: { name: string; from: number }[] = [];
  let present: { from: number | undefined; unsynced: number } = { from: undefined, unsynced: 0 };
  let failures = 0;
  let syncs = 0;
  let held: (() => void)[] | undefined;

  function syncNow(done: (error: Error | null) => void): void {
    if (failures > 0) {
      failures -= 1;
      present.from ??= present.unsynced;
      present.unsynced = real.size;
      syncs += 1;
      done(EIO);
      return;
    }
    real.sync((error) => {
      syncs += 1;
      present.unsynced = real.size;
      done(error);
    });
  }

  return Object.create(real, {
    syncs: { get: () => syncs },
    replacing: { value: replacing },
    failNext: { value: (syncs: number) => (failures = syncs) },
    hold: {
      value: () => {
        const waiting: (() => void)[] = [];
        held = waiting;
        return () => {
          held = undefined;
          for (const go of waiting) go();
        };
      },
    },
    sync: {
      value(done: (error: Error | null) => void) {
        if (held === undefined) syncNow(done);
        else held.push(() => syncNow(done));
      },
    },
    replace: {
      async value(name: string, text: string) {
        replacing.count += 1;
        if (replacing.refused) throw EIO;
        await real.replace(name, text);
        if (present.from !== undefined) lost.push({ name, from: present.from });
        present = { from: undefined, unsynced: real.size };
      },
    },
    cutPower: {
      value() {
        lost.push({ name: path, from: present.from ?? present.unsynced });
        for (const { name, from } of lost) if (existsSync(name) && statSync(name).size > from) truncateSync(name, from);
      },
    },
  });
}
