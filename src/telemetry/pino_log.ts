import { pino } from 'pino';
import type { Log, LogLevel } from './log.ts';
import { nonBlockingDescriptor } from './non_blocking_descriptor.ts';

/** Bytes that wait for a reader which does not keep up; lines beyond that are dropped. */
const MOST_WAITING = 2 ** 20;
const RETRY_AFTER = 100;
/** Milliseconds that the end of the process waits for such a reader: since it read something last, and in all. */
const PATIENCE_AT_END = 1_000;
const LONGEST_END = 10_000;

/** The log of the process. It never makes anything else wait. */
export interface ProcessLog extends Log {
  /** How many lines were dropped since the start, because nobody read them. */
  readonly dropped: number;
  /** Before the process ends: writes what still waits, until the reader has read nothing for a second, or for ten seconds. */
  flush(): void;
}

/** JSON lines on standard error, so that standard output stays free for what people are told. */
export function createPinoLog(level: LogLevel): ProcessLog {
  let dropped = 0;
  let unreported = 0;
  let waitUntil = Number.NEGATIVE_INFINITY;
  let endBy = Number.NEGATIVE_INFINITY;
  let leastWaiting = Number.POSITIVE_INFINITY;
  let isRetrying = false;

  const destination = pino.destination({
    fd: nonBlockingDescriptor(2),
    sync: true,
    maxLength: MOST_WAITING,
    // In this mode another try sleeps first.
    retryEAGAIN(_error, writing, remaining) {
      const now = performance.now();
      const waiting = writing + remaining;
      if (waiting < leastWaiting && now < waitUntil) waitUntil = Math.min(now + PATIENCE_AT_END, endBy);
      leastWaiting = Math.min(leastWaiting, waiting);
      return now < waitUntil;
    },
  });
  // A log that cannot be written (a full disk, a reader that left) is no reason to stop serving.
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

  /** Writes what waits. `flush` of the destination does nothing in this mode. */
  function write(): void {
    isRetrying = false;
    destination.write('');
  }

  /** The reader keeps up again. */
  function report(): void {
    const lines = unreported;
    unreported = 0;
    logger.warn({ event: 'log_lines_dropped', lines });
  }

  return {
    event(at, name, fields) {
      // Why the process ends is never dropped.
      if (name === 'vault_crashed') Object.assign(destination, { maxLength: 0 });
      if (logger.isLevelEnabled(at)) logger[at]({ event: name, ...fields });
    },
    get dropped() {
      return dropped;
    },
    flush() {
      endBy = performance.now() + LONGEST_END;
      waitUntil = performance.now() + PATIENCE_AT_END;
      leastWaiting = Number.POSITIVE_INFINITY;
      write();
      waitUntil = Number.NEGATIVE_INFINITY;
    },
  };
}
