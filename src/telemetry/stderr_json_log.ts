import { pino } from 'pino';
import type { Log, LogEvents, LogLevel } from './log_events.ts';
import { nonBlockingDescriptor } from './non_blocking_stdio_descriptor.ts';

/** Bytes that are buffered for a slow reader; further lines are dropped. */
const MAX_BUFFERED = 2 ** 20;
const RETRY_AFTER = 100;
/** Milliseconds that the exit of the process waits for a slow reader: since its last read, and in total. */
const EXIT_IDLE_TIMEOUT = 1_000;
const EXIT_TIMEOUT = 10_000;

/** The log of the process. Writing to it never blocks. */
export interface ProcessLog extends Log {
  /** Lines that were dropped since the start, because the reader did not keep up. */
  readonly dropped: number;
  /**
   * Before the process exits: writes the buffered lines, until the reader reads nothing for 1 s, and for at most 10 s.
   */
  flush(): void;
}

/** JSON lines on standard error, because standard output is for people. */
export function createPinoLog(level: LogLevel): ProcessLog {
  let dropped = 0;
  let unreported = 0;
  let waitUntil = Number.NEGATIVE_INFINITY;
  let exitBy = Number.NEGATIVE_INFINITY;
  let leastBuffered = Number.POSITIVE_INFINITY;
  let isRetrying = false;

  const destination = pino.destination({
    fd: nonBlockingDescriptor(2),
    sync: true,
    maxLength: MAX_BUFFERED,
    // In this mode, pino sleeps before a retry.
    retryEAGAIN(_error, writing, remaining) {
      const now = performance.now();
      const buffered = writing + remaining;
      if (buffered < leastBuffered && now < waitUntil) waitUntil = Math.min(now + EXIT_IDLE_TIMEOUT, exitBy);
      leastBuffered = Math.min(leastBuffered, buffered);
      return now < waitUntil;
    },
  });
  // A log that cannot be written (full disk, closed pipe) must not stop the vault.
  destination.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EAGAIN' || isRetrying) return;
    isRetrying = true;
    setTimeout(write, RETRY_AFTER).unref();
  });
  destination.on('drop', () => {
    dropped += 1;
    if (unreported === 0) destination.once('drain', report);
    unreported += 1;
  });

  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );

  /** Writes the buffered lines. `flush` of the destination does nothing in this mode. */
  function write(): void {
    isRetrying = false;
    destination.write('');
  }

  /** After the reader has caught up. */
  function report(): void {
    const lines = unreported;
    unreported = 0;
    event('warn', 'log_lines_dropped', { lines });
  }

  function event<Name extends keyof LogEvents>(at: LogLevel, name: Name, fields: LogEvents[Name]): void {
    // The reason of a crash is never dropped.
    if (name === 'vault_crashed') Object.assign(destination, { maxLength: 0 });
    if (logger.isLevelEnabled(at)) logger[at]({ event: name, ...fields });
  }

  return {
    event,
    get dropped() {
      return dropped;
    },
    flush() {
      exitBy = performance.now() + EXIT_TIMEOUT;
      waitUntil = performance.now() + EXIT_IDLE_TIMEOUT;
      leastBuffered = Number.POSITIVE_INFINITY;
      write();
      waitUntil = Number.NEGATIVE_INFINITY;
    },
  };
}
