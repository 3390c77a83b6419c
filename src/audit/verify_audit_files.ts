import type { KeyObject } from 'node:crypto';
import { HOUR } from '../model/clock.ts';
import type { AuditStream } from './audit_log_interface.ts';
import { mergeByTime } from './merge_streams_by_time.ts';
import { parseChainLine, startOf } from './parse_chain_line.ts';
import { recoverStart } from './recover_file_start.ts';
import {
  type MissingEntries,
  type ReadEntry,
  readStreamFiles,
  type StartedFile,
  type StreamReport,
} from './verify_stream_files.ts';

/**
 * A file of an audit log. `lines` is read more than once; its last element is the text after the last line feed, empty
 * in a file that was not cut.
 */
export interface LogFile {
  readonly name: string;
  readonly lines: Iterable<string>;
}

export interface AuditReport {
  /** Streams with a file. */
  readonly streams: readonly StreamReport[];
  /** Listed streams with entries, of which no file was given. */
  readonly unseen: readonly { readonly stream: AuditStream; readonly missing: MissingEntries }[];
  /** Names of files in which no seal is valid: of another vault, or replaced. */
  readonly unknown: readonly string[];
}

export interface AuditFilesParts {
  readonly files: readonly LogFile[];
  readonly key: KeyObject;
  /** That the database lists. */
  readonly streams: readonly AuditStream[];
}

/**
 * Verifies files of several streams, in any order, against the key and the streams that the database lists. Yields each
 * sealed entry on the way, in the order of their times as far as the streams have it.
 */
export function* readAuditFiles({ files, key, streams }: AuditFilesParts): Generator<ReadEntry, AuditReport, void> {
  const unknown: string[] = [];
  const listedById = new Map(streams.map((stream) => [stream.streamId, stream]));
  const listedIds = [...listedById.keys()];
  const byStream = new Map<string, StartedFile[]>();
  for (const file of files) {
    const first = startOf(beforeSeal(file.lines));
    const isListed = first !== undefined && listedById.has(first.streamId);
    const start = isListed ? first : (recoverStart(file.lines, key, listedIds) ?? startOf(file.lines));
    if (start === undefined) {
      if (!isEmpty(file)) unknown.push(file.name);
      continue;
    }
    byStream.set(start.streamId, [...(byStream.get(start.streamId) ?? []), { ...file, start }]);
  }

  const found = yield* mergeByTime(
    [...byStream].map(([streamId, started]) =>
      readStreamFiles({ files: started, key: { key, streamId }, listed: listedById.get(streamId) }),
    ),
  );
  const reports = found.filter((report) => report !== undefined);
  const seen = new Set(reports.map(({ streamId }) => streamId));
  for (const [streamId, started] of byStream) if (!seen.has(streamId)) unknown.push(...started.map(({ name }) => name));
  const unseen = streams
    .filter(({ streamId, firstNumber, lastNumber }) => !seen.has(streamId) && lastNumber >= firstNumber)
    .map((stream) => ({ stream, missing: wholeOf(stream) }));
  return { streams: reports, unseen, unknown };
}

function* beforeSeal(lines: Iterable<string>): Generator<string> {
  for (const line of lines) {
    if (parseChainLine(line).seal !== undefined) return;
    yield line;
  }
}

/** A checkpoint is a minute old, and older if the database could not be reached. */
const CHECKPOINT_AGE = HOUR;

function wholeOf({ firstNumber, lastNumber, firstTime, lastTime }: AuditStream): MissingEntries {
  return { from: firstNumber, to: lastNumber, after: firstTime, before: lastTime + CHECKPOINT_AGE };
}

function isEmpty({ lines }: LogFile): boolean {
  for (const line of lines) if (line !== '') return false;
  return true;
}
