import { readAuditFiles } from '../../audit/verify_audit_files.ts';
import { EXIT } from '../exit_codes.ts';
import { findingsOf } from './audit_findings.ts';
import type { OutputFlags } from './audit_flags.ts';
import { collectExposure } from './collect_exposure.ts';
import { exposureCsv, exposureJson, exposureText } from './format_exposure.ts';
import { openAuditFiles } from './open_audit_files.ts';
import { isOfPeriod, parseAuditEntry } from './parse_audit_entry.ts';

export interface ExposureFlags extends OutputFlags {
  readonly caller: string;
  readonly csv?: true;
}

/** Prints the tokens that a caller received, and what to revoke, and returns the exit code. */
export async function printExposure(paths: readonly string[], flags: ExposureFlags): Promise<number> {
  const reading = readAuditFiles(await openAuditFiles(paths));
  const exposure = collectExposure();
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) {
      const findings = findingsOf(value, flags);
      const format = flags.json ? exposureJson : flags.csv ? exposureCsv : exposureText;
      console.log(format({ caller: flags.caller, period: flags, exposures: exposure.all(), findings }));
      return findings.length === 0 ? EXIT.OK : EXIT.DATA;
    }
    const entry = parseAuditEntry(value.text);
    // A token is received at the end of its entry.
    if (entry?.caller === flags.caller && isOfPeriod({ ...entry, time: entry.endTime }, flags))
      exposure.add(entry, value.isProved);
  }
}
