import type { Timestamp } from '../../model/clock.ts';
import { overlaps, type Period } from './audit_flags.ts';

/** An entry as it is in the log (docs/runbook.md, "The audit log"). It may be altered, so the types are checked. */
export interface LoggedEntry {
  readonly n: number;
  /** When the call began, and when its response was sent. */
  readonly time: Timestamp;
  readonly endTime: Timestamp;
  readonly request: string;
  readonly caller: string;
  readonly method: string;
  readonly resource: string;
  readonly status: string;
  /** All fields. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** Undefined: the line is not an entry. */
export function parseAuditEntry(text: string): LoggedEntry | undefined {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(text) as typeof fields;
  } catch {
    return undefined;
  }
  const { n, ms } = fields;
  const [request, caller, method, resource, status, time] = [
    'request',
    'caller',
    'method',
    'resource',
    'status',
    'time',
  ].map((name) => textOf(fields[name]));
  const start = Date.parse(time ?? '');
  if (typeof n !== 'number' || Number.isNaN(start)) return undefined;
  return {
    n,
    time: start,
    endTime: start + (typeof ms === 'number' ? ms : 0),
    request: request ?? '',
    caller: caller ?? '',
    method: method ?? '',
    resource: resource ?? '',
    status: status ?? '',
    fields,
  };
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** A stream has an entry for each message, with the time of the call: that of the message is its end. */
export function isOfPeriod({ time, endTime }: LoggedEntry, period: Period): boolean {
  return overlaps(period, time, endTime);
}
