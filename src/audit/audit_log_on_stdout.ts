import { writeSync } from 'node:fs';
import { type Duration, SECOND } from '../model/clock.ts';
import { type AuditFile, bytesOf } from './audit_log_file.ts';

const SLEEP = 5;

/**
 * Standard output, for platforms that collect it. It cannot be truncated, rotated or read. A slow reader blocks the
 * event loop until the timeout, as with a blocking pipe.
 */
export function openAuditStream(fd: number, timeout: Duration = SECOND): AuditFile {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let torn = false;
  let stuck = false;

  /** The descriptor is non-blocking, so a full pipe fails with EAGAIN. */
  function mayRetry(error: unknown, until: number): boolean {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return false;
    if (stuck || performance.now() > until) return false;
    Atomics.wait(never, 0, 0, SLEEP);
    return true;
  }

  return {
    readable: false,
    size: 0,
    get torn() {
      return torn;
    },
    write(group) {
      const bytes = bytesOf(group, torn);
      const until = performance.now() + timeout;
      let written = 0;
      while (written < bytes.length) {
        try {
          written += writeSync(fd, bytes, written);
        } catch (error) {
          if (mayRetry(error, until)) continue;
          torn ||= written > 0;
          stuck = true;
          throw error;
        }
      }
      torn = false;
      stuck = false;
    },
    sync: (done) => done(null),
    // Never called, because the size stays 0 and the stream cannot be moved.
    replace: () => Promise.reject(new Error('a stream cannot be replaced')),
    setAside: () => Promise.reject(new Error('a stream cannot be replaced')),
    location: () => 'here',
    head: () => '',
    tail: () => '',
    close() {},
  };
}
