import { EXIT } from './exit_codes.ts';
import { listenForStop } from './listen_for_stop_signals.ts';

export type Interruption = ReturnType<typeof listenForInterruption>;

/** SIGINT and SIGTERM abort the command. A second signal, after a second or more, has its default effect. */
export function listenForInterruption() {
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
    /** Of the signal that was received. */
    get exitCode() {
      return exitCode;
    },
    stopListening,
  };
}
