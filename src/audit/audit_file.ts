import {
  closeSync,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';

/** Where groups of lines go. `write` is synchronous: a write to the page cache costs less than a trip through the thread pool. */
export interface AuditFile {
  /** Whole or not at all: what was written of a group that failed is taken back. Throws what the file system says. */
  write(group: string): void;
  /** Brings what was written onto the disk. */
  sync(done: (error: Error | null) => void): void;
  readonly size: number;
  /** Sets the full file aside under `name` and begins an empty one. */
  rotate(name: string): void;
  /** False for a stream: what was written before cannot be looked at. */
  readonly readable: boolean;
  /** The last `length` bytes, as text. */
  tail(length: number): string;
  close(): void;
}

/** Appends to a file that only its owner and group may read. */
export function openAuditFile(path: string): AuditFile {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_APPEND;
  let fd = openSync(path, flags, 0o640);
  let size = fstatSync(fd).size;

  return {
    readable: true,
    get size() {
      return size;
    },
    write(group) {
      const bytes = Buffer.from(group, 'utf8');
      let written = 0;
      try {
        while (written < bytes.length) written += writeSync(fd, bytes, written);
      } catch (error) {
        if (written > 0) ftruncateSync(fd, size);
        throw error;
      }
      size += bytes.length;
    },
    sync(done) {
      fdatasync(fd, done);
    },
    rotate(name) {
      renameSync(path, name);
      const next = openSync(path, flags, 0o640);
      closeSync(fd);
      fd = next;
      size = 0;
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

/** Standard output, for platforms that collect it. Nothing can be taken back, rotated or read again there. */
export function openAuditStream(fd: number): AuditFile {
  return {
    readable: false,
    size: 0,
    write(group) {
      const bytes = Buffer.from(group, 'utf8');
      for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written);
    },
    sync: (done) => done(null),
    rotate() {},
    tail: () => '',
    close() {},
  };
}
