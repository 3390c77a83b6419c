import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { open as openHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { VaultError } from '../model/errors.ts';
import type { Lines } from './hash_chain.ts';

/** A file of groups of lines. `write` is synchronous, because the page cache is faster than the thread pool. */
export interface AuditFile {
  /** Atomic: a group that was written in part is truncated, or `torn` is set. Throws the system error. */
  write(group: Lines): void;
  /** The file ends with a part of a group that could not be truncated. The next write begins on a new line. */
  readonly torn: boolean;
  /** `fdatasync`. After an error the kernel drops the failed pages, so a later success proves nothing. */
  sync(done: (error: Error | null) => void): void;
  readonly size: number;
  /**
   * Writes and syncs a new file with `groups`, renames the current file to `name` (or a free name like it), and continues
   * in the new file. If it rejects, writing continues in the current file. A crash in between loses neither.
   */
  replace(name: string, groups: Lines): Promise<void>;
  /**
   * `moved`: another program renamed the file; `cut`: deleted or truncated it. Writes go to the old file until
   * `replace`.
   */
  location(): 'here' | 'moved' | 'cut';
  /** False for a stream. */
  readonly readable: boolean;
  /** Renames the file to a free name like `PATH.unknown`, and continues in an empty one. */
  setAside(): Promise<void>;
  /** The first `length` bytes, as text. */
  head(length: number): string;
  /** The last `length` bytes, as text. */
  tail(length: number): string;
  close(): void;
}

/** A pipe or a device would block the open or a write, and a rotation would rename a link instead of its file. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const MODE = 0o640;

/** Appends to a file that only its owner and group can read. AUDIT_UNAVAILABLE if the path is not a regular file. */
export function openAuditFile(path: string): AuditFile {
  const next = `${path}.next`;
  settleNext(path, next);
  let fd = open(path);
  let { size } = fstatSync(fd);
  let torn = false;
  syncFolder(path);

  async function replace(name: string, groups: Lines): Promise<void> {
    rmSync(next, { force: true });
    const bytes = Buffer.from(groups);
    const nextFd = openSync(next, FLAGS | constants.O_EXCL, MODE);
    try {
      for (let written = 0; written < bytes.length; ) written += writeSync(nextFd, bytes, written);
      await promisify(fdatasync)(nextFd);
      await moveInto(path, next, name);
    } catch (error) {
      closeSync(nextFd);
      throw error;
    }
    closeQuietly(fd);
    fd = nextFd;
    size = bytes.length;
    torn = false;
  }

  function read(from: number, length: number): string {
    const bytes = Buffer.alloc(length);
    readSync(fd, bytes, 0, length, from);
    return bytes.toString('utf8');
  }

  return {
    readable: true,
    get size() {
      return size;
    },
    get torn() {
      return torn;
    },
    write(group) {
      const bytes = bytesOf(group, torn);
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
      } catch (error) {
        if (written > 0 && !truncates(fd, size)) {
          torn = true;
          size = fstatSync(fd).size;
        }
        throw error;
      }
      torn = false;
      size += bytes.length;
    },
    sync(done) {
      fdatasync(fd, done);
    },
    replace,
    setAside: () => replace(`${path}.unknown`, ''),
    location() {
      const ours = fstatSync(fd);
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there?.ino === ours.ino && there.dev === ours.dev) return ours.size < size ? 'cut' : 'here';
      return ours.nlink === 0 ? 'cut' : 'moved';
    },
    head: (length) => read(0, Math.min(length, size)),
    tail: (length) => read(Math.max(0, size - length), Math.min(length, size)),
    close() {
      closeSync(fd);
    },
  };
}

/** Renames `path` to `name` and `next` to `path`. If that fails, the names are as before. */
async function moveInto(path: string, next: string, name: string): Promise<void> {
  const aside = lstatSync(path, { throwIfNoEntry: false }) && freeName(name);
  if (aside !== undefined) renameSync(path, aside);
  try {
    renameSync(next, path);
    const folder = await openHandle(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    if (aside !== undefined) renameSync(aside, path);
    throw error;
  }
}

/** Completes a replacement that was killed. Between its two renames, the next file is the only one. */
function settleNext(path: string, next: string): void {
  const left = lstatSync(next, { throwIfNoEntry: false });
  if (left === undefined) return;
  // It repeats groups that failed to sync, so it may have lines that the current file lost.
  if (!existsSync(path)) renameSync(next, path);
  else if (left.isFile() && readFileSync(next, 'utf8').startsWith('{"gap"'))
    renameSync(next, freeName(`${path}.unfinished`));
  else rmSync(next);
}

function open(path: string): number {
  let fd: number;
  try {
    fd = openSync(path, FLAGS, MODE);
  } catch (error) {
    if (isCode(error, 'ELOOP')) throw unusable(path, 'is a symbolic link');
    if (isCode(error, 'ENXIO') || isCode(error, 'EISDIR')) throw unusable(path, 'is not a regular file');
    throw error;
  }
  if (fstatSync(fd).isFile()) return fd;
  closeSync(fd);
  throw unusable(path, 'is not a regular file');
}

function unusable(path: string, fault: string): VaultError {
  return new VaultError(
    'AUDIT_UNAVAILABLE',
    `The audit log ${path} ${fault}. Set TOKENVAULT_AUDIT_FILE to the path of a regular file, or to "-" for standard output.`,
  );
}

// The name of a new file is durable only after a sync of its folder.
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Begins a new line after a group that was written in part. */
export function bytesOf(group: Lines, torn: boolean): Uint8Array {
  const bytes = typeof group === 'string' ? Buffer.from(group) : group;
  return torn ? Buffer.concat([NEW_LINE, bytes]) : bytes;
}

const NEW_LINE = Buffer.from('\n');

/** False for an append-only file (`chattr +a`). */
function truncates(fd: number, size: number): boolean {
  try {
    ftruncateSync(fd, size);
    return true;
  } catch {
    return false;
  }
}

/** On a network file system, `close` may report a failed write again. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // Its lines are in the next file or on the disk.
  }
}

/** Evidence is never overwritten. */
function freeName(name: string): string {
  let free = name;
  for (let count = 1; existsSync(free); count += 1) free = `${name}-${count}`;
  return free;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
