import { fstatSync } from 'node:fs';
import { type FileHandle, open, stat } from 'node:fs/promises';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { LeftOutLine } from './report.ts';

/** All that was left out, a JSON object a line. */
export interface ReportFile {
  write(line: LeftOutLine): Promise<void>;
  close(): Promise<void>;
}

/** Undefined path: nothing is written. `inputs`: what must not be written over; `-` is standard input. */
export async function openReportFile(path: string | undefined, inputs: readonly string[]): Promise<ReportFile> {
  if (path === undefined) return { write: async () => {}, close: async () => {} };
  for (const input of inputs) {
    if (await isSameFile(path, input))
      throw new CommandError(EXIT.USAGE, `--report ${path} would write over what is read; name another file`);
  }
  let handle: FileHandle;
  try {
    handle = await open(path, 'w', 0o600);
  } catch {
    throw new CommandError(EXIT.CANNOT_CREATE, `--report ${path} cannot be written; check the folder and who may`);
  }
  // One after the other: writes that overlap would fall into each other.
  let last: Promise<unknown> = Promise.resolve();
  return {
    async write({ kind, line, what, outcome, reason, why, nextStep }) {
      const text = JSON.stringify({ line: line ?? null, kind, what, outcome, reason, why, next_step: nextStep });
      last = last.then(() => handle.write(`${text}\n`));
      await last.catch(() => {
        throw new CommandError(
          EXIT.CANNOT_CREATE,
          `--report ${path} cannot be written on; see whether the disk is full`,
        );
      });
    },
    async close() {
      await last.catch(() => undefined);
      await handle.close();
    },
  };
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const first = await stat(one).catch(() => undefined);
  const second = other === '-' ? fstatSync(process.stdin.fd) : await stat(other).catch(() => undefined);
  return first?.isFile() === true && first.dev === second?.dev && first.ino === second.ino;
}
