import { Presets, SingleBar } from 'cli-progress';
import type { Duration } from '../../model/clock.ts';
import type { Counts } from './collect_import_results.ts';

export interface ProgressParts {
  /** A terminal gets a bar, another stream a line every five seconds. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly counts: Readonly<Counts>;
  /** Bytes of the source that were read, and all bytes if known. */
  readonly bytes: () => { readonly read: number; readonly size: number | undefined };
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

const BAR_INTERVAL: Duration = 200;
const LINE_INTERVAL: Duration = 5_000;

/** The progress of a running import. */
export type Progress = ReturnType<typeof startProgress>;

export function startProgress({ stream, counts, bytes, now }: ProgressParts) {
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

  function startBar(): () => void {
    // The line is trimmed to the terminal's width; the terminal's settings stay, since a second Ctrl-C would not restore them.
    const format = '{bar} {percentage}%  {words}';
    // The import stops the bar itself when it is interrupted.
    const options = { stream, format, barsize: 24, linewrap: true, gracefulExit: false };
    const bar = new SingleBar(options, Presets.shades_classic);
    bar.start(bytes().size ?? 1, 0, { words: describe() });
    const draw = () => {
      const { read, size } = bytes();
      if (size !== undefined && size > 0) bar.setTotal(size);
      bar.update(Math.min(read, size ?? 0), { words: describe() });
    };
    const timer = setInterval(draw, BAR_INTERVAL);
    return () => {
      clearInterval(timer);
      draw();
      bar.stop();
    };
  }

  function startLines(): () => void {
    const timer = setInterval(() => {
      const { read, size } = bytes();
      const share = size === undefined || size === 0 ? '' : `${Math.floor((100 * read) / size)} %, `;
      stream.write(`${share}${describe()}\n`);
    }, LINE_INTERVAL);
    return () => clearInterval(timer);
  }

  return {
    /** The reason for a pause; undefined: the import continues. */
    waiting(reason: string | undefined): void {
      pauseReason = reason;
    },
    stop: stream.isTTY === true ? startBar() : startLines(),
  };
}
