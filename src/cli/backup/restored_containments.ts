import type { Containment } from '../../model/containment.ts';
import { printable } from '../error_text.ts';
import type { LoggedContainments } from './containments_of_audit_log.ts';

/** The containments that a restored database brings back, and those that it lost, by the audit log. */
export function containmentLines(
  restored: readonly Containment[],
  logged: LoggedContainments | undefined,
): readonly string[] {
  const lost = [...(logged ?? [])].filter(
    ([subject, { isContained }]) => isContained && restored.every((one) => one.subject !== subject),
  );
  return [
    ...restored.map(({ subject, createTime, caller, reason }) => {
      const change = logged?.get(subject);
      const lifted =
        change !== undefined && !change.isContained
          ? ` It was lifted ${changedBy(change.time, change.caller)}: lift it again.`
          : '';
      return printable(`  contained: ${subject} ${changedBy(createTime, caller)} (${reason}).${lifted}`);
    }),
    ...lost.map(([subject, { time, caller, reason }]) =>
      printable(`  LOST containment: ${subject} ${changedBy(time, caller)} (${reason}). Contain it again.`),
    ),
    logged === undefined
      ? 'The audit log cannot be read here. Compare the containments with it: token-vault audit query FILE… --method Contain'
      : 'Containments were compared with the audit log of this machine. Compare them with those of other replicas, too.',
  ];
}

function changedBy(time: number, caller: string): string {
  return `at ${new Date(time).toISOString()} by ${caller}`;
}
