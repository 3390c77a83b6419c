import { once } from 'node:events';
import type { ReadEntry } from '../../audit/verify_stream_files.ts';
import { printable } from '../error_text.ts';
import { EXIT } from '../exit_codes.ts';
import { findingsOf, findingText } from './audit_findings.ts';
import type { OutputFlags } from './audit_flags.ts';
import { isOfPeriod, type LoggedEntry, parseAuditEntry } from './parse_audit_entry.ts';
import { readWithProgress } from './read_with_progress.ts';

export interface QueryFlags extends OutputFlags {
  readonly tenant?: string;
  /** An id, or a resource name. */
  readonly connection?: string;
  readonly caller?: string;
  /** `GetAccessToken`, or `TokenService/GetAccessToken`. */
  readonly method?: string;
  /** The id of a request, as a person may write down what was read aloud. */
  readonly request?: string;
}

/** Prints the entries that match, then what is not intact on standard error, and returns the exit code. */
export async function queryAuditLog(paths: readonly string[], flags: QueryFlags): Promise<number> {
  const out = process.stdout;
  const print = async (read: ReadEntry) => {
    const entry = parseAuditEntry(read.text);
    if (entry !== undefined && matches(entry, flags) && !out.write(`${lineOf(read, entry, flags)}\n`))
      await once(out, 'drain');
  };
  const findings = findingsOf(await readWithProgress(paths, print, { printsEntries: true }), flags);
  for (const finding of findings) console.error(findingText(finding));
  if (findings.length > 0) console.error(INCOMPLETE);
  return findings.length === 0 ? EXIT.OK : EXIT.DATA;
}

const INCOMPLETE =
  'INCOMPLETE: the log is not intact, or lacks entries of the period, so more calls may match. Entries without a valid seal are marked.';

function matches(entry: LoggedEntry, flags: QueryFlags): boolean {
  const { tenant, connection, caller, method, request } = flags;
  const { resource } = entry;
  return (
    (tenant === undefined || `${resource}/`.startsWith(`tenants/${tenant}/`)) &&
    (connection === undefined || resource === connection || resource.endsWith(`/connections/${connection}`)) &&
    (caller === undefined || entry.caller === caller) &&
    (method === undefined || entry.method === method || entry.method.endsWith(`/${method}`)) &&
    (request === undefined || isOfRequest(entry, request)) &&
    isOfPeriod(entry, flags)
  );
}

/** Also the tokens of a batch, whose entries have the id of the request followed by `.1`, `.2`, …. */
function isOfRequest(entry: LoggedEntry, request: string): boolean {
  const [id, wanted] = [readable(entry.request), readable(request)];
  return id === wanted || id.startsWith(`${wanted}.`);
}

/** References have no I, L and O, and no id that is hexadecimal has them. */
function readable(id: string): string {
  return id.toLowerCase().replaceAll(/[\s-]/g, '').replaceAll('o', '0').replaceAll(/[il]/g, '1');
}

function lineOf(
  { streamId, file, line, isProved, text }: ReadEntry,
  entry: LoggedEntry,
  { json }: OutputFlags,
): string {
  if (json) return JSON.stringify({ stream: streamId, file, line, verified: isProved, entry: entry.fields });
  return isProved ? printable(text) : `UNVERIFIED ${printable(text)}`;
}
