import { pino } from 'pino';
import type { Log, LogLevel } from './log.ts';

/** JSON lines on standard error, so that standard output stays free for what people are told. */
export function createPinoLog(level: LogLevel): Log {
  const logger = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    event(at, name, fields) {
      if (logger.isLevelEnabled(at)) logger[at]({ event: name, ...fields });
    },
  };
}
