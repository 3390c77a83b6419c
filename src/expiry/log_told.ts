import type { Severity, VaultEvent } from '../model/event.ts';
import type { Log, LogLevel } from '../telemetry/log.ts';

const LEVEL = { INFO: 'info', WARNING: 'warn', CRITICAL: 'warn' } as const satisfies Record<Severity, LogLevel>;

/** The log is a place of telling too, for whoever reads nothing else. */
export function logTold(log: Log, { uid, type, subject, severity, data }: VaultEvent): void {
  const ends = 'expireTime' in data ? data.expireTime : 'idleExpireTime' in data ? data.idleExpireTime : undefined;
  log.event(LEVEL[severity], 'told', {
    id: uid,
    type,
    subject,
    severity,
    ends: ends === undefined ? '' : new Date(ends).toISOString(),
  });
}
