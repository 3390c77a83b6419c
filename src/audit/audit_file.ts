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

/** Where groups of lines go. `write` is synchronous: a write to the page cache costs less than a trip through the thread pool. */
export interface AuditFile {
  /** Whole or not at all: what was written of a group that failed is taken back, or else `torn` is set. Throws what the system says. */
  write(group: string): void;
  /** A part of a group stands at the end and could not be taken back; the next write begins on a line of its own. */
  readonly torn: boolean;
  /** Brings what was written onto the disk. After an error the system forgets which pages it lost, so a second success means nothing. */
  sync(done: (error: Error | null) => void): void;
  readonly size: number;
  /**
   * Writes `text` into a new file and brings it onto the disk. Then sets the present file aside under `name`, where nothing lies yet,
   * and goes on in the new one. Where it rejects, writing goes on in the present file. A crash in between loses neither.
   */
  replace(name: string, text: string): Promise<void>;
  /** `moved`: another program renamed the file; `cut`: it deleted or shortened it. Writing goes on where nobody looks until `replace`. */
  whereabouts(): 'here' | 'moved' | 'cut';
  /** False for a stream: what was written before cannot be looked at. */
  readonly readable: boolean;
  /** The last `length` bytes, as text. */
  tail(length: number): string;
  close(): void;
}

/** A pipe or a device in this place would block the open or a write, and a link would be renamed in place of its file. */
const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const MODE = 0o640;

/** Appends to a file that only its owner and group may read. AUDIT_UNAVAILABLE where the path names anything but a regular file. */
export function openAuditFile(path: string): AuditFile {
  const next = `${path}.next`;
  settleNext(path, next);
  let fd = open(path);
  let { size } = fstatSync(fd);
  let torn = false;
  syncFolder(path);

  return {
    readable: true,
    get size() {
      return size;
    },
    get torn() {
      return torn;
    },
    write(group) {
      const bytes = Buffer.from(torn ? `\n${group}` : group, 'utf8');
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
      } catch (error) {
        if (written > 0 && !isTakenBack(fd, size)) {
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
    async replace(name, text) {
      rmSync(next, { force: true });
      const bytes = Buffer.from(text, 'utf8');
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
    },
    whereabouts() {
      const ours = fstatSync(fd);
      const there = lstatSync(path, { throwIfNoEntry: false });
      if (there?.ino === ours.ino && there.dev === ours.dev) return ours.size < size ? 'cut' : 'here';
      return ours.nlink === 0 ? 'cut' : 'moved';
    },
    tail(length) {
      const from = Math.max(0, size - length);
      const bytes = Buffer.alloc(size - from);
      readSync(fd, bytes, 0, bytes.length, from);
      return bytes.toString('utf8');
    },
    close() {
      closeSync(fd);
    },
  };
}

/** Gives `next` the name `path`, and what has that name now the name `name`. Where that fails, all names are as before. */
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

/** What a replacement that was killed left. Between its two renames the next file is the only one; before them it is not needed. */
function settleNext(path: string, next: string): void {
  const left = lstatSync(next, { throwIfNoEntry: false });
  if (left === undefined) return;
  // It repeats groups that the disk refused, and so may hold what the present file lost.
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
    `The audit log ${path} ${fault}. Set TOKENVAULT_AUDIT_FILE to the path of a regular file, or to "-" for standard output`,
  );
}

// The name of a new file is durable only when its folder is.
function syncFolder(path: string): void {
  const folder = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}

/** Not from a file that the system lets grow only (`chattr +a`). */
function isTakenBack(fd: number, size: number): boolean {
  try {
    ftruncateSync(fd, size);
    return true;
  } catch {
    return false;
  }
}

/** Of a network file system, closing tells once more of a write that failed. */
function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // All that it held lies in the next file, or is on the disk.
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
