import type { Duration } from '../model/clock.ts';

/** A terminal sends Ctrl-C to npm and its child, and npm forwards it: the child receives it twice within milliseconds. */
const SAME_STOP: Duration = 1_000;

/**
 * Calls `stop` at the first of these signals, and `force` at a signal at least a second later, when signals have their default
 * effect again. Returns a function that stops listening; after a stop, its repeated signals are still ignored.
 */
export function listenForStop(
  names: readonly NodeJS.Signals[],
  stop: (signal: NodeJS.Signals) => void,
  force: (signal: NodeJS.Signals) => void,
): () => void {
  let first: number | undefined;
  const receive = (signal: NodeJS.Signals) => {
    if (first === undefined) {
      first = performance.now();
      stop(signal);
    } else if (performance.now() - first >= SAME_STOP) {
      end();
      force(signal);
    }
  };
  const end = () => {
    for (const name of names) process.off(name, receive);
  };
  for (const name of names) process.on(name, receive);
  return () => {
    if (first === undefined) end();
  };
}
