import {
  closeSync,
  constants,
  existsSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Where groups of lines go. `write` is synchronous: a write to the page cache costs less than a trip through the thread pool. */
export interface AuditFile {
  /** Whole or not at all: what was written of a group that failed is taken back, or else `torn` is set. Throws what the system says. */
  write(group: string): void;
  /** A part of a group stands at the end and could not be taken back; the next write begins on a line of its own. */
  readonly torn: boolean;
  /** Brings what was written onto the disk. */
  sync(done: (error: Error | null) => void): void;
  readonly size: number;
  /** Sets the full file aside under `name`, where nothing lies yet, and begins the next with `opening`. A crash in between loses neither. */
  rotate(name: string, opening: string): void;
  /** `moved`: another program renamed the file; `cut`: it deleted or shortened it. Writing goes on where nobody looks until `reopen`. */
  whereabouts(): 'here' | 'moved' | 'cut';
  reopen(): void;
  /** False for a stream: what was written before cannot be looked at. */
  readonly readable: boolean;
  /** The last `length` bytes, as text. */
  tail(length: number): string;
  close(): void;
}

const FLAGS = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;
const MODE = 0o640;

/** Appends to a file that only its owner and group may read. */
export function openAuditFile(path: string): AuditFile {
  const next = `${path}.next`;
  // A rotation that was killed between its two renames; before the first of them the next file counts for nothing.
  if (existsSync(next) && !existsSync(path)) renameSync(next, path);
  rmSync(next, { force: true });
  let { fd, size } = open(path);
  let torn = false;

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
    rotate(name, opening) {
      const bytes = Buffer.from(opening, 'utf8');
      const nextFd = openSync(next, FLAGS | constants.O_TRUNC, MODE);
      try {
        for (let written = 0; written < bytes.length; ) written += writeSync(nextFd, bytes, written);
        fdatasyncSync(nextFd);
        fdatasyncSync(fd);
        renameSync(path, freeName(name));
        renameSync(next, path);
      } catch (error) {
        closeSync(nextFd);
        throw error;
      }
      closeSync(fd);
      fd = nextFd;
      size = bytes.length;
      torn = false;
      syncFolder(path);
    },
    whereabouts() {
      const ours = fstatSync(fd);
      const there = statSync(path, { throwIfNoEntry: false });
      if (there?.ino === ours.ino && there.dev === ours.dev) return ours.size < size ? 'cut' : 'here';
      return ours.nlink === 0 ? 'cut' : 'moved';
    },
    reopen() {
      const opened = open(path);
      closeSync(fd);
      ({ fd, size } = opened);
      torn = false;
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

function open(path: string): { fd: number; size: number } {
  const fd = openSync(path, FLAGS, MODE);
  syncFolder(path);
  return { fd, size: fstatSync(fd).size };
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

/** Evidence is never overwritten. */
function freeName(name: string): string {
  let free = name;
  for (let count = 1; existsSync(free); count += 1) free = `${name}-${count}`;
  return free;
}
