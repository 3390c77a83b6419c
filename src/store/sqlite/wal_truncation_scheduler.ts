import { type Duration, MINUTE, SECOND } from '../../model/clock.ts';

/** Truncates the write-ahead log, where deleted rows stay readable. In the file itself `secure_delete` overwrites them. */
export interface LogCutter {
  now(): void;
  /** Within a minute, once for all calls until then. */
  soon(): void;
}

const SOON: Duration = MINUTE;
/** For a retry: another connection reads the file (a backup, a shell), or the disk fails. */
const AGAIN: Duration = 10 * SECOND;

/** `cut` returns false if the log could not be truncated. */
export function createLogCutter(cut: () => boolean): LogCutter {
  let waiting: NodeJS.Timeout | undefined;

  function later(time: Duration): void {
    if (waiting !== undefined) return;
    waiting = setTimeout(() => {
      waiting = undefined;
      try {
        now();
      } catch {
        // `now` has scheduled a retry.
      }
    }, time).unref();
  }

  function now(): void {
    let isCut = false;
    try {
      isCut = cut();
    } finally {
      if (!isCut) later(AGAIN);
    }
  }

  return { now, soon: () => later(SOON) };
}
