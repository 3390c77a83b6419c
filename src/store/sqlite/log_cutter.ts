import { type Duration, MINUTE, SECOND } from '../../model/clock.ts';

/** Deleted rows stay readable in the write-ahead log until it is cut; `secure_delete` zeroes them in the file itself. */
export interface LogCutter {
  now(): void;
  /** Within a minute, however many ask for it meanwhile. */
  soon(): void;
}

const SOON: Duration = MINUTE;
/** Another connection reads the file (a backup, a shell), or the disk fails. */
const AGAIN: Duration = 10 * SECOND;

/** `cut`: false where it did not work. */
export function createLogCutter(cut: () => boolean): LogCutter {
  let waiting: NodeJS.Timeout | undefined;

  function later(time: Duration): void {
    if (waiting !== undefined) return;
    waiting = setTimeout(() => {
      waiting = undefined;
      try {
        now();
      } catch {
        // `now` has planned the next try.
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
