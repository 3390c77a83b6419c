import type { AuditReport } from '../../audit/verify_audit_files.ts';
import type { FileLine, StreamReport } from '../../audit/verify_stream_files.ts';
import { printable } from '../error_text.ts';
import { EXIT } from '../exit_codes.ts';
import { entriesText, type Finding, findingsOf, findingText } from './audit_findings.ts';
import type { OutputFlags } from './audit_flags.ts';
import { readWithProgress } from './read_with_progress.ts';

/** Verifies files of the audit log, prints every fault and what is missing, and returns the exit code. */
export async function verifyAuditLog(paths: readonly string[], flags: OutputFlags): Promise<number> {
  const report = await readWithProgress(paths);
  const findings = findingsOf(report, flags);
  console.log(flags.json ? jsonOf(report, findings) : textOf(report, findings));
  return findings.length === 0 ? EXIT.OK : EXIT.DATA;
}

function jsonOf({ streams }: AuditReport, findings: readonly Finding[]): string {
  return JSON.stringify({
    intact: findings.length === 0,
    findings,
    streams: streams.map(({ streamId, listed, files, entries, last, torn }) => ({
      stream: streamId,
      name: listed?.name,
      files,
      entries,
      lastEntry: last,
      unsealedLines: torn,
    })),
  });
}

function textOf({ streams }: AuditReport, findings: readonly Finding[]): string {
  return [
    ...findings.map(findingText),
    ...streams.flatMap(streamText),
    findings.length === 0
      ? 'The audit log is intact.'
      : `The audit log is not intact, or not complete: ${findings.length} findings. Keep all files and the database as they are (docs/runbook.md, "The audit log").`,
  ].join('\n');
}

function streamText({ streamId, listed, files, entries, last, torn }: StreamReport): readonly string[] {
  const name = listed === undefined ? '' : ` (${listed.name})`;
  const found = entries === last ? '' : ` (${entries} found)`;
  return [
    `stream ${streamId}${name}: ${last === 0 ? 'no entries' : entriesText(1, last)}${found}, in ${files.join(', ')}`,
    ...runsOf(torn).map(
      ({ file, line, to }) => `  ${file}, line${to === line ? '' : `s ${line} to`} ${to}: not sealed, so no entries`,
    ),
  ].map(printable);
}

/** Consecutive lines. */
function runsOf(lines: readonly FileLine[]): readonly (FileLine & { to: number })[] {
  const runs: (FileLine & { to: number })[] = [];
  for (const { file, line } of lines) {
    const run = runs.at(-1);
    if (run?.file === file && run.to + 1 === line) run.to = line;
    else runs.push({ file, line, to: line });
  }
  return runs;
}
