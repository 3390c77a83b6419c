import { pino } from 'pino';
import type { Log, LogLevel } from './log.ts';

/** Characters; what comes on top while nothing can be written is dropped. */
const MOST_WAITING = 2 ** 20;

/** JSON lines on standard error, so that standard output stays free for what people are told. */
export function createPinoLog(level: LogLevel): Log {
  const destination = pino.destination({ fd: 2, sync: true, maxLength: MOST_WAITING });
  // A log that cannot be written (a full disk, a reader that left) is no reason to stop serving.
  destination.on('error', () => {});
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    destination,
  );
  return {
    event(at, name, fields) {
      if (logger.isLevelEnabled(at)) logger[at]({ event: name, ...fields });
    },
  };
}
