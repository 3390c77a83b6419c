import { type Options, Presets, SingleBar } from 'cli-progress';
import type { Duration } from '../../model/clock.ts';
import type { Counts } from './report.ts';

/** Where an import stands, told while it runs. */
export interface Progress {
  /** Why nothing moves just now; undefined: it does. */
  waiting(why: string | undefined): void;
  stop(): void;
}

export interface ProgressParts {
  /** A terminal gets a bar, anything else a line now and then. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly counts: Readonly<Counts>;
  /** Bytes of the source until now, and in all where that is known. */
  readonly bytes: () => { readonly read: number; readonly size: number | undefined };
  /** Monotonic, milliseconds. */
  readonly now: () => number;
}

const BAR_INTERVAL: Duration = 200;
const LINE_INTERVAL: Duration = 5_000;

export function startProgress(parts: ProgressParts): Progress {
  const { stream, counts, bytes, now } = parts;
  const started = now();
  let why: string | undefined;

  function words(): string {
    const { imported, alreadyThere, skipped, refused, doubtful } = counts;
    const done = imported + alreadyThere + skipped + refused + doubtful;
    const rate = Math.round(done / Math.max((now() - started) / 1_000, 0.001));
    const facts = [
      `${done.toLocaleString('en')} connections`,
      // Before what a narrow terminal cuts off.
      ...(why === undefined ? [] : [why]),
      `${rate.toLocaleString('en')}/s`,
      ...timeLeft(),
      `${alreadyThere.toLocaleString('en')} already there`,
      `${(skipped + refused + doubtful).toLocaleString('en')} left out`,
    ];
    return facts.join(', ');
  }

  function timeLeft(): readonly string[] {
    const { read, size } = bytes();
    if (size === undefined || read === 0 || read >= size) return [];
    const seconds = Math.ceil((((now() - started) / read) * (size - read)) / 1_000);
    return [seconds < 120 ? `${seconds} s left` : `${Math.ceil(seconds / 60)} min left`];
  }

  const telling = stream.isTTY === true ? startBar(stream, bytes, words) : startLines(stream, bytes, words);
  return {
    waiting(reason) {
      why = reason;
    },
    stop: telling.stop,
  };
}

function startBar(stream: NodeJS.WritableStream, bytes: ProgressParts['bytes'], words: () => string) {
  const options: Options = {
    stream,
    format: '{bar} {percentage}%  {words}',
    barsize: 24,
    // Trimmed to the terminal's width. The terminal's own settings stay: a second Ctrl-C would leave them changed.
    linewrap: true,
    // The import ends by itself when it is interrupted, and stops the bar then.
    gracefulExit: false,
  };
  const bar = new SingleBar(options, Presets.shades_classic);
  const draw = () => {
    const { read, size } = bytes();
    if (size !== undefined && size > 0) bar.setTotal(size);
    bar.update(Math.min(read, size ?? 0), { words: words() });
  };
  bar.start(bytes().size ?? 1, 0, { words: words() });
  const timer = setInterval(draw, BAR_INTERVAL);
  return {
    stop() {
      clearInterval(timer);
      draw();
      bar.stop();
    },
  };
}

function startLines(stream: NodeJS.WritableStream, bytes: ProgressParts['bytes'], words: () => string) {
  const timer = setInterval(() => {
    const { read, size } = bytes();
    const share = size === undefined || size === 0 ? '' : `${Math.floor((100 * read) / size)} %, `;
    stream.write(`${share}${words()}\n`);
  }, LINE_INTERVAL);
  return { stop: () => clearInterval(timer) };
}
