import { EXIT } from '../exit_codes.ts';
import { listenForStop } from '../stop_signals.ts';

/** Ctrl-C, or whoever stops the process: what is under way ends, nothing more begins. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Of the signal that came. */
  readonly exitCode: number;
  /** From now on signals have their usual force, those of an interruption that came before excepted. */
  stopListening(): void;
}

/** A second signal has its usual force, once a second has passed. */
export function listenForInterruption(): Interruption {
  const aborting = new AbortController();
  let exitCode: number = EXIT.INTERRUPTED;
  const stopListening = listenForStop(
    ['SIGINT', 'SIGTERM'],
    (signal) => {
      if (signal === 'SIGTERM') exitCode = EXIT.TERMINATED;
      aborting.abort();
    },
    (signal) => process.kill(process.pid, signal),
  );
  return {
    signal: aborting.signal,
    get exitCode() {
      return exitCode;
    },
    stopListening,
  };
}
