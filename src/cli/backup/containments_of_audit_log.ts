import { logLines } from '../../audit/read_log_lines.ts';
import type { Timestamp } from '../../model/clock.ts';
import { configuredFiles, isOnStdout } from '../audit/open_audit_files.ts';
import { parseAuditEntry, textOf } from '../audit/parse_audit_entry.ts';

/** The last of Contain and Lift for a subject. */
export interface LoggedContainment {
  readonly isContained: boolean;
  readonly time: Timestamp;
  readonly caller: string;
  readonly reason: string;
}

export type LoggedContainments = ReadonlyMap<string, LoggedContainment>;

/**
 * What the audit log of this machine says of containments, by subject. Seals are not checked: it is a hint for the
 * operator. Undefined: the log cannot be read here.
 */
export function readLoggedContainments(auditFile: string): LoggedContainments | undefined {
  if (isOnStdout(auditFile)) return undefined;
  const last = new Map<string, LoggedContainment>();
  try {
    for (const file of configuredFiles(auditFile)) for (const line of logLines(file)) add(last, line);
  } catch {
    return undefined;
  }
  return last;
}

const METHODS: Readonly<Record<string, boolean>> = {
  'ContainmentService/Contain': true,
  'ContainmentService/Lift': false,
};

function add(last: Map<string, LoggedContainment>, line: string): void {
  // Most lines are of other methods, and parsing takes time.
  if (!line.includes('"ContainmentService/')) return;
  const entry = parseAuditEntry(line);
  const isContained = entry && METHODS[entry.method];
  if (entry === undefined || isContained === undefined || entry.status !== 'OK') return;
  const { resource, endTime: time, caller } = entry;
  if (time < (last.get(resource)?.time ?? 0)) return;
  last.set(resource, { isContained, time, caller, reason: textOf(entry.fields['note']) ?? '' });
}
