import { EXIT } from '../cli/exit_codes.ts';
import { listenForStop } from '../cli/listen_for_stop_signals.ts';
import { errorLocation } from '../telemetry/error_location.ts';
import type { Log } from '../telemetry/log_events.ts';
import type { Vault } from './start_vault.ts';

/**
 * Signals that would end the process, but are no reason to end a vault. Not among them: SIGPIPE and SIGXFSZ, which Node
 * ignores, since a line of the log about them could cause the next; and the signals of a crash
 * (docs/adr/0063-reload-and-signals.md).
 */
const IGNORED: readonly NodeJS.Signals[] = [
  'SIGUSR1',
  'SIGQUIT',
  'SIGALRM',
  'SIGVTALRM',
  'SIGXCPU',
  'SIGIO',
  'SIGPWR',
  'SIGSTKFLT',
];

/** SIGINT and SIGTERM stop the vault, SIGHUP reads its files again, SIGUSR2 rotates its audit log. No other signal ends it. */
export function handleSignals(log: Log) {
  const stop = new AbortController();
  let vault: Pick<Vault, 'readFilesAgain' | 'rotateAuditLog'> | undefined;
  const ignore = (signal: NodeJS.Signals) => log.event('info', 'signal_ignored', { signal });

  /** Work for signals that arrive meanwhile is done once more. Before the start and after the stop there is nothing to do. */
  function during(work: (running: NonNullable<typeof vault>, signal: NodeJS.Signals) => Promise<void>) {
    let isBusy = false;
    let isWaiting = false;
    return async (signal: NodeJS.Signals) => {
      if (vault === undefined || stop.signal.aborted) return ignore(signal);
      isWaiting = true;
      if (isBusy) return;
      isBusy = true;
      while (isWaiting) {
        isWaiting = false;
        await work(vault, signal).catch((error: unknown) =>
          log.event('error', 'internal_error', { requestId: '', ...errorLocation(error) }),
        );
      }
      isBusy = false;
    };
  }

  listenForStop(
    ['SIGINT', 'SIGTERM'],
    (signal) => stop.abort(signal),
    () => process.exit(EXIT.FORCED),
  );
  process.on(
    'SIGHUP',
    during((running) => running.readFilesAgain()),
  );
  process.on(
    'SIGUSR2',
    during(async (running, signal) => {
      if (!(await running.rotateAuditLog())) ignore(signal);
    }),
  );
  for (const name of IGNORED) process.on(name, ignore);
  // The profiler of Node takes its samples by this signal.
  if (!process.execArgv.some((option) => /^--(cpu-)?prof\b/.test(option))) process.on('SIGPROF', ignore);

  return {
    /** Aborts at the signal to stop, with its name as the reason. */
    stop: stop.signal,
    started(running: NonNullable<typeof vault>) {
      vault = running;
    },
  };
}
