import type { KeyObject } from 'node:crypto';
import type { AuditStream } from './audit_log_interface.ts';
import type { EntryRange } from './chain_fault.ts';
import { startOf } from './parse_chain_line.ts';
import { type StartedFile, type StreamReport, verifyStreamFiles } from './verify_stream_files.ts';

/** A file of an audit log. `lines` is read more than once. */
export interface LogFile {
  readonly name: string;
  readonly lines: Iterable<string>;
}

export interface AuditReport {
  /** Streams with a file. */
  readonly streams: readonly StreamReport[];
  /** Listed streams with entries, of which no file was given. */
  readonly unseen: readonly { readonly stream: AuditStream; readonly missing: EntryRange }[];
  /** Names of files in which no seal is valid: of another vault, or replaced. */
  readonly unknown: readonly string[];
}

/** Verifies files of several streams, in any order, against the key and the streams that the database lists. */
export function verifyAuditFiles(parts: {
  readonly files: readonly LogFile[];
  readonly key: KeyObject;
  readonly streams: readonly AuditStream[];
}): AuditReport {
  const { files, key, streams } = parts;
  const unknown: string[] = [];
  const byStream = new Map<string, StartedFile[]>();
  for (const file of files) {
    const start = startOf(file.lines);
    if (start === undefined) {
      if (!isEmpty(file)) unknown.push(file.name);
      continue;
    }
    byStream.set(start.streamId, [...(byStream.get(start.streamId) ?? []), { ...file, start }]);
  }

  const listedById = new Map(streams.map((stream) => [stream.streamId, stream]));
  const reports: StreamReport[] = [];
  for (const [streamId, started] of byStream) {
    const report = verifyStreamFiles({ files: started, key: { key, streamId }, listed: listedById.get(streamId) });
    if (report === undefined) unknown.push(...started.map(({ name }) => name));
    else reports.push(report);
  }

  const seen = new Set(reports.map(({ streamId }) => streamId));
  const unseen = streams
    .filter(({ streamId, firstNumber, lastNumber }) => !seen.has(streamId) && lastNumber >= firstNumber)
    .map((stream) => ({ stream, missing: { from: stream.firstNumber, to: stream.lastNumber } }));
  return { streams: reports, unseen, unknown };
}

function isEmpty({ lines }: LogFile): boolean {
  for (const line of lines) if (line !== '') return false;
  return true;
}
