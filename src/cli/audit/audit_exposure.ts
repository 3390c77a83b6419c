import { EXIT } from '../exit_codes.ts';
import { findingsOf } from './audit_findings.ts';
import type { OutputFlags } from './audit_flags.ts';
import { collectExposure } from './collect_exposure.ts';
import { exposureCsv, exposureJson, exposureText } from './format_exposure.ts';
import { isOfPeriod, parseAuditEntry } from './parse_audit_entry.ts';
import { readWithProgress } from './read_with_progress.ts';

export interface ExposureFlags extends OutputFlags {
  readonly caller: string;
  readonly csv?: true;
}

/** Prints the tokens that a caller received, and what to revoke, and returns the exit code. */
export async function printExposure(paths: readonly string[], flags: ExposureFlags): Promise<number> {
  const exposure = collectExposure();
  const report = await readWithProgress(paths, ({ text, isProved }) => {
    const entry = parseAuditEntry(text);
    // A token is received at the end of its entry.
    if (entry?.caller === flags.caller && isOfPeriod({ ...entry, time: entry.endTime }, flags))
      exposure.add(entry, isProved);
  });
  const findings = findingsOf(report, flags);
  const format = flags.json ? exposureJson : flags.csv ? exposureCsv : exposureText;
  console.log(format({ caller: flags.caller, period: flags, exposures: exposure.all(), findings }));
  return findings.length === 0 ? EXIT.OK : EXIT.DATA;
}
