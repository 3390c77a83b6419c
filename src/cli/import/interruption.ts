import { EXIT } from '../exit_codes.ts';

/** Ctrl-C, or whoever stops the process: what is under way ends, nothing more begins. */
export interface Interruption {
  readonly signal: AbortSignal;
  /** Of the signal that came. */
  readonly exitCode: number;
  /** From now on signals have their usual force. */
  stopListening(): void;
}

/** A second signal has its usual force. */
export function listenForInterruption(): Interruption {
  const aborting = new AbortController();
  let exitCode: number = EXIT.INTERRUPTED;
  const onInterrupt = () => aborting.abort();
  const onTerminate = () => {
    exitCode = EXIT.TERMINATED;
    aborting.abort();
  };
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onTerminate);
  return {
    signal: aborting.signal,
    get exitCode() {
      return exitCode;
    },
    stopListening() {
      process.off('SIGINT', onInterrupt);
      process.off('SIGTERM', onTerminate);
    },
  };
}
