import { randomUUID } from 'node:crypto';
import { constants, fstatSync } from 'node:fs';
import { type FileHandle, lstat, open, rename, rm, stat } from 'node:fs/promises';
import { CommandError, EXIT } from '../exit_codes.ts';
import type { RejectedLine } from './collect_import_results.ts';
import { lineJson } from './format_import_report.ts';

/** The file of `--report`: every rejected line, one JSON object a line. */
export interface ReportFile {
  write(line: RejectedLine): Promise<void>;
  close(): Promise<void>;
}

/** Undefined path: nothing is written. `inputs`: files that must not be overwritten; `-` is standard input. */
export async function openReportFile(path: string | undefined, inputs: readonly string[]): Promise<ReportFile> {
  if (path === undefined) return { write: async () => {}, close: async () => {} };
  for (const input of inputs) {
    if (await isSameFile(path, input))
      throw new CommandError(EXIT.USAGE, `--report ${path} would overwrite an input file. Name another file.`);
  }
  const before = await lstat(path).catch(() => undefined);
  if (before?.isFile() === false) {
    const kind = before.isSymbolicLink() ? 'a symbolic link' : 'not a file';
    throw new CommandError(EXIT.CANNOT_CREATE, `--report ${path} is ${kind}. Name a file.`);
  }
  const handle = await replaceFile(path).catch(() => {
    throw new CommandError(
      EXIT.CANNOT_CREATE,
      `--report ${path} cannot be written. Check that its folder exists and its permissions.`,
    );
  });
  // One write at a time: concurrent writes would mix.
  let last: Promise<unknown> = Promise.resolve();
  return {
    async write(line) {
      last = last.then(() => handle.write(`${JSON.stringify(lineJson(line))}\n`));
      await last.catch(() => {
        throw new CommandError(
          EXIT.CANNOT_CREATE,
          `Writing to --report ${path} failed. Check whether the disk is full.`,
        );
      });
    },
    async close() {
      await last.catch(() => undefined);
      await handle.close();
    },
  };
}

/** Replaces an earlier file atomically, so that neither its mode nor a link determines where the lines go. */
async function replaceFile(path: string): Promise<FileHandle> {
  const temporary = `${path}.${randomUUID()}`;
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
  const handle = await open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
  try {
    await rename(temporary, path);
    return handle;
  } catch (error) {
    await handle.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

async function isSameFile(one: string, other: string): Promise<boolean> {
  const first = await stat(one).catch(() => undefined);
  const second = other === '-' ? fstatSync(process.stdin.fd) : await stat(other).catch(() => undefined);
  return first?.isFile() === true && first.dev === second?.dev && first.ino === second.ino;
}
