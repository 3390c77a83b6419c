import type { AuditReport } from '../../audit/verify_audit_files.ts';
import type { FileLine, StreamReport } from '../../audit/verify_stream_files.ts';
import type { Timestamp } from '../../model/clock.ts';
import { printable } from '../error_text.ts';
import { overlaps, type Period } from './audit_flags.ts';

/** A fault of the log, or entries that are in no file. In JSON as it is here. */
export interface Finding {
  readonly kind:
    | 'altered'
    | 'missing'
    | 'reordered'
    | 'foreign'
    | 'unsealed'
    | 'checkpoint_absent'
    | 'stream_unlisted'
    | 'stream_unseen'
    | 'file_unknown';
  readonly stream?: string;
  /** `HOST:PATH`, where the stream was written last. */
  readonly name?: string;
  readonly file?: string;
  readonly firstLine?: number;
  /** The seal or opening where the chain breaks. */
  readonly line?: number;
  readonly fromEntry?: number;
  readonly toEntry?: number;
  /** RFC 3339. */
  readonly after?: string;
  readonly before?: string;
}

/** Faults anywhere, because a time in a fault is not proved; missing entries if they may be of the period. */
export function findingsOf({ streams, unseen, unknown }: AuditReport, period: Period): readonly Finding[] {
  return [
    ...unknown.map((file) => ({ kind: 'file_unknown', file }) as const),
    ...streams.flatMap((stream) => findingsOfStream(stream, period)),
    ...unseen
      .filter(({ missing }) => overlaps(period, missing.after, missing.before))
      .map(({ stream: { streamId, name, firstNumber, lastNumber, firstTime, lastTime } }) => ({
        kind: 'stream_unseen' as const,
        stream: streamId,
        name,
        ...range(firstNumber, lastNumber),
        ...between(firstTime, lastTime),
      })),
  ];
}

function findingsOfStream(report: StreamReport, period: Period): readonly Finding[] {
  const { streamId: stream, listed, faults, missing, unsealed, checkpoint, last } = report;
  const one = { stream, ...(listed && { name: listed.name }) };
  return [
    ...faults
      .filter(({ kind }) => kind !== 'missing')
      .map(({ kind, file, firstLine, line, entries, firstTime, lastTime }) => ({
        kind,
        ...one,
        file,
        firstLine,
        line,
        ...(entries && range(entries.from, entries.to)),
        ...between(firstTime, lastTime),
      })),
    ...missing
      .filter(({ after, before, at }) => at !== undefined || overlaps(period, after, before))
      .map(({ from, to, after, before, at }) => ({
        kind: 'missing' as const,
        ...one,
        ...(at && placeOf(at)),
        ...range(from, to),
        ...between(after, before),
      })),
    ...(unsealed === undefined ? [] : [{ kind: 'unsealed' as const, ...one, ...placeOf(unsealed) }]),
    ...(checkpoint === 'absent' ? [{ kind: 'checkpoint_absent' as const, ...one, ...range(last, last) }] : []),
    ...(listed === undefined ? [{ kind: 'stream_unlisted' as const, ...one, ...range(last, last) }] : []),
  ];
}

function placeOf({ file, line }: FileLine) {
  return { file, firstLine: line, line };
}

function range(fromEntry: number, toEntry: number) {
  return { fromEntry, toEntry };
}

function between(after: Timestamp | undefined, before: Timestamp | undefined) {
  return {
    ...(after !== undefined && { after: new Date(after).toISOString() }),
    ...(before !== undefined && { before: new Date(before).toISOString() }),
  };
}

const TEXTS: Readonly<Record<Finding['kind'], string>> = {
  altered: 'ALTERED: a line was edited, added or removed, or the seal was',
  missing: 'MISSING: these entries are in no file that was given',
  reordered: 'REORDERED: lines or files are not in the order in which they were written, or were given twice',
  foreign: 'FOREIGN: lines of another stream',
  unsealed:
    'UNSEALED: no seal follows. A write was interrupted, or the end was edited or cut off. A start of the vault records the first',
  checkpoint_absent:
    'REPLACED: the database knows another chain value here, so lines at the end were removed or replaced',
  stream_unlisted: 'UNLISTED: the database does not list the stream, so its end is not known',
  stream_unseen: 'NOT SEEN: no file of the stream was given',
  file_unknown:
    'UNKNOWN: no seal in it is valid. It belongs to another vault, or its first line was removed or edited, or it was replaced',
};

/** One line. */
export function findingText(finding: Finding): string {
  const { kind, stream, name, file, firstLine, line, fromEntry, toEntry, after, before } = finding;
  const place =
    file === undefined
      ? `stream ${stream}${name === undefined ? '' : ` (${name})`}`
      : line === undefined
        ? file
        : `${file}, line${firstLine === line ? '' : `s ${firstLine} to`} ${line}`;
  const entries = fromEntry === undefined ? [] : [entriesText(fromEntry, toEntry ?? fromEntry)];
  return printable([place, ...entries, ...timesText(after, before), TEXTS[kind]].join(', '));
}

export function entriesText(from: number, to: number): string {
  return from === to ? `entry ${from}` : `entries ${from} to ${to}`;
}

function timesText(after: string | undefined, before: string | undefined): readonly string[] {
  if (after === undefined) return before === undefined ? [] : [`before ${before}`];
  return [before === undefined ? `after ${after}` : before === after ? after : `${after} to ${before}`];
}
