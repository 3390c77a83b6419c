import { Presets, SingleBar } from 'cli-progress';
import type { Duration } from '../model/clock.ts';

export interface ProgressParts {
  /** A terminal gets a bar, another stream a line every five seconds. */
  readonly stream: NodeJS.WritableStream & { readonly isTTY?: boolean };
  /** `total` is undefined if it is not known. */
  readonly progress: () => { readonly done: number; readonly total: number | undefined };
  readonly describe: () => string;
}

const BAR_INTERVAL: Duration = 200;
const LINE_INTERVAL: Duration = 5_000;

/** Shows the progress of a command until the returned function is called. */
export function showProgress(parts: ProgressParts): () => void {
  return parts.stream.isTTY === true ? startBar(parts) : startLines(parts);
}

function startBar({ stream, progress, describe }: ProgressParts): () => void {
  // The line is trimmed to the terminal's width; the terminal's settings stay, since a second Ctrl-C would not restore them.
  const format = '{bar} {percentage}%  {words}';
  // The command stops the bar itself when it is interrupted.
  const options = { stream, format, barsize: 24, linewrap: true, gracefulExit: false };
  const bar = new SingleBar(options, Presets.shades_classic);
  bar.start(progress().total ?? 1, 0, { words: describe() });
  const draw = () => {
    const { done, total } = progress();
    if (total !== undefined && total > 0) bar.setTotal(total);
    bar.update(Math.min(done, total ?? 0), { words: describe() });
  };
  const timer = setInterval(draw, BAR_INTERVAL);
  return () => {
    clearInterval(timer);
    draw();
    bar.stop();
  };
}

function startLines({ stream, progress, describe }: ProgressParts): () => void {
  const timer = setInterval(() => {
    const { done, total } = progress();
    const share = total === undefined || total === 0 ? '' : `${Math.floor((100 * done) / total)} %, `;
    stream.write(`${share}${describe()}\n`);
  }, LINE_INTERVAL);
  return () => clearInterval(timer);
}
