import type { AuditEntry } from '../../audit/audit_log_interface.ts';
import { SECOND } from '../../model/clock.ts';
import type { Every } from '../../model/monotonic_timers.ts';
import type { Log } from '../../telemetry/log_events.ts';

type Refused = Pick<AuditEntry, 'caller' | 'status'>;

/** Of each caller and status. */
const LINES_PER_SECOND = 10;
/** Refusals that cost the vault less than their line in the log. */
const CHEAP: ReadonlySet<Refused['status']> = new Set(['RATE_LIMITED', 'OVERLOADED', 'CONTAINED', 'ACCESS_DENIED']);

/**
 * Whether the next refused call has a line in the log. Each second, one line has the number of the calls without. A caller
 * that floods would otherwise fill the log, and a line costs more than the rest of a refusal. The audit log has each call.
 */
export function createRefusedCallLines(log: Log, every: Every): (call: Refused) => boolean {
  const counts = new Map<string, Refused & { calls: number }>();

  every(SECOND, () => {
    for (const { caller, status, calls } of counts.values())
      if (calls > LINES_PER_SECOND)
        log.event('info', 'calls_not_logged', { caller, status, calls: calls - LINES_PER_SECOND });
    counts.clear();
  });

  return ({ caller, status }) => {
    if (!CHEAP.has(status)) return true;
    const key = `${status} ${caller}`;
    const known = counts.get(key);
    if (known === undefined) {
      counts.set(key, { caller, status, calls: 1 });
      return true;
    }
    known.calls += 1;
    return known.calls <= LINES_PER_SECOND;
  };
}
