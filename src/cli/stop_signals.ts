import type { Duration } from '../model/clock.ts';

/** A terminal sends Ctrl-C to npm and to its child, and npm passes it on: the child gets it twice within milliseconds. */
const SAME_STOP: Duration = 1_000;

/**
 * Calls `stop` at the first of these signals, and `force` at one that comes at least a second later, when signals have
 * their usual effect again. Returns what ends the listening; what belongs to a stop that came before is still ignored.
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
