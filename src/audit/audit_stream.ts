import { writeSync } from 'node:fs';
import type { AuditFile } from './audit_file.ts';

/** Milliseconds that a reader which lags is waited for; the event loop stands still meanwhile, as it would with a blocking pipe. */
const PATIENCE = 1_000;
const NAP = 5;

/** Standard output, for platforms that collect it. Nothing can be taken back, rotated or read again there. */
export function openAuditStream(fd: number): AuditFile {
  const never = new Int32Array(new SharedArrayBuffer(4));
  let torn = false;
  let stuck = false;

  /** The descriptor is non-blocking, so that a full pipe refuses (EAGAIN). */
  function isWorthWaiting(error: unknown, until: number): boolean {
    if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) return false;
    if (stuck || performance.now() > until) return false;
    Atomics.wait(never, 0, 0, NAP);
    return true;
  }

  return {
    readable: false,
    size: 0,
    get torn() {
      return torn;
    },
    write(group) {
      const bytes = Buffer.from(torn ? `\n${group}` : group, 'utf8');
      const until = performance.now() + PATIENCE;
      let written = 0;
      while (written < bytes.length) {
        try {
          written += writeSync(fd, bytes, written);
        } catch (error) {
          if (isWorthWaiting(error, until)) continue;
          torn ||= written > 0;
          stuck = true;
          throw error;
        }
      }
      torn = false;
      stuck = false;
    },
    sync: (done) => done(null),
    // Its size stays 0 and it is never moved, so nothing asks for this.
    replace: () => Promise.reject(new Error('a stream cannot be replaced')),
    whereabouts: () => 'here',
    tail: () => '',
    close() {},
  };
}
