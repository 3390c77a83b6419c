import { type ProgressParts, showProgress } from '../show_progress.ts';
import type { Counts } from './collect_import_results.ts';

export interface ImportProgressParts extends Pick<ProgressParts, 'stream'> {
  readonly counts: Readonly<Counts>;
  /** Bytes of the source that were read, and all bytes if known. */
  readonly bytes: () => { readonly read: number; readonly size: number | undefined };
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

/** The progress of a running import. */
export type Progress = ReturnType<typeof startProgress>;

export function startProgress({ stream, counts, bytes, now }: ImportProgressParts) {
  const startTime = now();
  let pauseReason: string | undefined;

  function describe(): string {
    const rejected = counts.skipped + counts.refused + counts.doubtful;
    const done = counts.imported + counts.alreadyThere + rejected;
    const rate = Math.round(done / Math.max((now() - startTime) / 1_000, 0.001));
    const facts = [
      `${done.toLocaleString('en')} connections`,
      // Before the part that a narrow terminal cuts off.
      ...(pauseReason === undefined ? [] : [pauseReason]),
      `${rate.toLocaleString('en')}/s`,
      ...timeLeft(),
      `${counts.alreadyThere.toLocaleString('en')} already there`,
      `${rejected.toLocaleString('en')} left out`,
    ];
    return facts.join(', ');
  }

  function timeLeft(): readonly string[] {
    const { read, size } = bytes();
    if (size === undefined || read === 0 || read >= size) return [];
    const seconds = Math.ceil((((now() - startTime) / read) * (size - read)) / 1_000);
    return [seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`];
  }

  return {
    /** The reason for a pause; undefined: the import continues. */
    waiting(reason: string | undefined): void {
      pauseReason = reason;
    },
    stop: showProgress({
      stream,
      progress: () => ({ done: bytes().read, total: bytes().size }),
      describe,
    }),
  };
}
