import type { AuditStream } from './audit_log_interface.ts';
import { type FaultKind, faultOf, isDisplaced } from './chain_fault.ts';
import { type ChainPoint, GENESIS, type StreamKey } from './hash_chain.ts';
import type { FileStart } from './parse_chain_line.ts';
import { type ChainWalk, createChainWalk, type LineFault, type WalkedEntry } from './walk_hash_chain.ts';

export interface StartedFile {
  readonly name: string;
  /** As of `LogFile`. */
  readonly lines: Iterable<string>;
  readonly start: FileStart;
}

/** Line numbers begin at 1. */
export interface FileLine {
  readonly file: string;
  readonly line: number;
}

/** A place where the chain is broken: at this line, or in its group, which begins at `firstLine`. */
export type StreamFault = FileLine &
  Pick<LineFault, 'firstLine' | 'entries' | 'firstTime' | 'lastTime'> & { readonly kind: FaultKind };

/** Entries that are in no file. */
export interface MissingEntries {
  readonly from: number;
  readonly to: number;
  /** They were written after this time and before that one; undefined: not known. */
  readonly after: number | undefined;
  readonly before: number | undefined;
  /** The line that proves it. Undefined: a file or the end is missing. */
  readonly at?: FileLine | undefined;
}

export interface StreamReport {
  readonly streamId: string;
  /** Undefined: the database does not list the stream, because it was restored from an older backup. */
  readonly listed: AuditStream | undefined;
  /** Oldest first. */
  readonly files: readonly string[];
  /** Sealed entries in the files. */
  readonly entries: number;
  /** The highest number of a valid seal. */
  readonly last: number;
  /** Time of the last sealed line. */
  readonly lastTime: number | undefined;
  readonly missing: readonly MissingEntries[];
  readonly faults: readonly StreamFault[];
  /** Lines without a seal, after a crash or a disk failure. Not an error. */
  readonly torn: readonly FileLine[];
  /** The first line without a seal at the end: a crash, or lines were added or cut off. */
  readonly unsealed: FileLine | undefined;
  /** `cut`: the files end before it. `absent`: no seal has its number and hash. */
  readonly checkpoint: 'found' | 'cut' | 'absent' | 'none';
}

/** A sealed entry of a file, as it is written there. */
export interface ReadEntry extends FileLine {
  readonly streamId: string;
  readonly text: string;
  /** Its seal is valid. */
  readonly isProved: boolean;
}

/**
 * Reads the files of one stream, yields their entries, and returns the report. Undefined: no seal is valid, so they are
 * not of this vault.
 */
export function* readStreamFiles(parts: {
  readonly files: readonly StartedFile[];
  readonly key: StreamKey;
  readonly listed: AuditStream | undefined;
}): Generator<ReadEntry, StreamReport | undefined, void> {
  const { key, listed } = parts;
  const { streamId } = key;
  const found: WalkedEntry[] = [];
  const walk = createChainWalk(key, GENESIS, {
    expected: listed && { number: listed.lastNumber, chain: listed.chain },
    onEntry: (entry) => found.push(entry),
  });
  const positions = createPositions();
  const missing: MissingEntries[] = [];
  const faults: StreamFault[] = [];

  let left = [...parts.files].sort((a, b) => a.start.number - b.start.number);
  const files: string[] = [];
  while (left.length > 0) {
    const file = nextFile(left, walk.point);
    left = left.filter((one) => one !== file);
    files.push(file.name);
    const firstLine = positions.begin(file.name);
    if (!follows(file.start, walk)) {
      const { kind, missing: range } = faultOf([], walk.point.number, file.start.number);
      if (range === undefined) faults.push({ file: file.name, line: 1, firstLine: 1, kind, ...AT_START });
      else missing.push({ ...range, after: walk.time, before: file.start.time });
      walk.continueAt(file.start, firstLine);
    }
    for (const { text, isWhole } of withEnds(file.lines)) {
      walk.read(text, positions.next(), isWhole);
      for (const { text: entry, line, isProved } of found)
        yield { ...positions.at(line), streamId, text: entry, isProved };
      found.length = 0;
    }
  }
  walk.end();
  if (!walk.isProved) return undefined;

  for (const { line, firstLine, kind, missing: range, entries, firstTime, lastTime, timeBefore } of walk.faults) {
    const isPresent = range !== undefined && isDisplaced(range, walk.displaced);
    const place = positions.at(line);
    const first = positions.at(firstLine);
    faults.push({
      ...place,
      firstLine: first.file === place.file ? first.line : 1,
      kind: isPresent ? 'reordered' : kind,
      entries,
      firstTime,
      lastTime,
    });
    if (range !== undefined && !isPresent) missing.push({ ...range, after: timeBefore, before: lastTime, at: place });
  }
  const { last, unsealed } = walk;
  const isCut = listed !== undefined && last < listed.lastNumber;
  if (isCut) missing.push({ from: last + 1, to: listed.lastNumber, after: walk.time, before: undefined });
  return {
    streamId,
    listed,
    files,
    entries: walk.entries,
    last,
    lastTime: walk.time,
    missing: missing.sort((a, b) => a.from - b.from),
    faults,
    torn: walk.torn.map(positions.at),
    unsealed: unsealed === undefined ? undefined : positions.at(unsealed),
    checkpoint: listed === undefined ? 'none' : isCut ? 'cut' : walk.isExpectedFound ? 'found' : 'absent',
  };
}

const AT_START = { entries: undefined, firstTime: undefined, lastTime: undefined };

/** The lines of a file. After its last line feed there is an empty text, or a line that was cut. */
function* withEnds(lines: Iterable<string>): Generator<{ readonly text: string; readonly isWhole: boolean }> {
  let before: string | undefined;
  for (const text of lines) {
    if (before !== undefined) yield { text: before, isWhole: true };
    before = text;
  }
  if (before !== undefined && before !== '') yield { text: before, isWhole: false };
}

/** The file whose beginning is where the chain is; otherwise the one that begins first. */
function nextFile(files: readonly StartedFile[], point: ChainPoint): StartedFile {
  return files.find(({ start }) => isSame(start, point)) ?? (files[0] as StartedFile);
}

/** A gap may go back to an earlier seal. */
function follows(start: ChainPoint, walk: ChainWalk): boolean {
  return isSame(start, walk.point) || walk.seals.some((seal) => isSame(seal, start));
}

function isSame(one: ChainPoint, other: ChainPoint): boolean {
  return one.number === other.number && one.chain === other.chain;
}

/** Numbers the lines of all files in one sequence. */
function createPositions() {
  const begins: { readonly file: string; readonly before: number }[] = [];
  let count = 0;
  return {
    /** Returns the number of the first line of the file. */
    begin(file: string): number {
      begins.push({ file, before: count });
      return count + 1;
    },
    next(): number {
      count += 1;
      return count;
    },
    at(position: number): FileLine {
      const { file, before } = begins.findLast((one) => one.before < position) ?? { file: '', before: 0 };
      return { file, line: position - before };
    },
  };
}
