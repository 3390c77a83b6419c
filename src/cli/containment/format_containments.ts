import type { Containment, ContainmentSubject } from '../../gen/tokenvault/v1/containment_pb.ts';
import type { ContainmentReplica } from '../../gen/tokenvault/v1/containment_service_pb.ts';
import { printable } from '../error_text.ts';
import { tableLines, wrapped } from '../format_table.ts';
import { ago, minuteOf } from '../status/format_times.ts';

export function subjectText(subject: ContainmentSubject | undefined): string {
  const { case: kind, value } = subject?.subject ?? {};
  switch (kind) {
    case undefined:
      return 'A subject that this version does not know';
    case 'all':
      return 'all';
    case 'caller':
      return printable(`caller ${value}`);
    case 'directoryId':
      return printable(`directory ${value}`);
    default:
      return printable(String(value));
  }
}

/** The rows of a table. */
export function containmentRows(containments: readonly Containment[]): readonly string[] {
  const rows = containments.map(({ createTime, local, caller, subject, reason }) => [
    minuteOf(createTime),
    local ? 'this replica' : 'all replicas',
    printable(caller),
    subjectText(subject),
    printable(reason),
  ]);
  return tableLines(['SINCE (UTC)', 'AT', 'BY', 'CONTAINED', 'REASON'], rows);
}

export function containmentsText(containments: readonly Containment[], replica: string): string {
  if (containments.length === 0) return printable(`Nothing is contained at ${replica}.`);
  return containmentRows(containments).join('\n');
}

export function replicasText(replicas: readonly ContainmentReplica[]): readonly string[] {
  if (replicas.length === 0) return [];
  const rows = replicas.map(({ applied, heartbeatAge, name }) => [
    applied ? 'yes' : 'NO',
    ago(heartbeatAge),
    printable(name),
  ]);
  return tableLines(['APPLIED', 'HEARTBEAT', 'REPLICA'], rows);
}

export function warningText(warning: string): readonly string[] {
  return warning === '' ? [] : wrapped(printable(warning), 0);
}
