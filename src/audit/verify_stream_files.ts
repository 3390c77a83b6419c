import type { AuditStream } from './audit_log_interface.ts';
import { type EntryRange, type FaultKind, faultOf, isDisplaced } from './chain_fault.ts';
import { type ChainPoint, GENESIS, type StreamKey } from './hash_chain.ts';
import type { FileStart } from './parse_chain_line.ts';
import { type ChainWalk, createChainWalk } from './walk_hash_chain.ts';

export interface StartedFile {
  readonly name: string;
  readonly lines: Iterable<string>;
  readonly start: FileStart;
}

/** Line numbers begin at 1. */
export interface FileLine {
  readonly file: string;
  readonly line: number;
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
  /** Entries that are in no file. */
  readonly missing: readonly EntryRange[];
  /** Where the chain is broken: at this line, or in its group before. */
  readonly faults: readonly (FileLine & { readonly kind: FaultKind })[];
  /** Lines without a seal, after a crash or a disk failure. Not an error. */
  readonly torn: readonly FileLine[];
  /** `cut`: the files end before it. `absent`: no seal has its number and hash. */
  readonly checkpoint: 'found' | 'cut' | 'absent' | 'none';
}

/** Verifies the files of one stream. Undefined: no seal is valid, so they are not of this vault. */
export function verifyStreamFiles(parts: {
  readonly files: readonly StartedFile[];
  readonly key: StreamKey;
  readonly listed: AuditStream | undefined;
}): StreamReport | undefined {
  const { key, listed } = parts;
  const walk = createChainWalk(key, GENESIS);
  const positions = createPositions();
  const missing: EntryRange[] = [];
  const faults: (FileLine & { kind: FaultKind })[] = [];
  let continued = 1;

  let left = [...parts.files].sort((a, b) => a.start.number - b.start.number);
  const files: string[] = [];
  while (left.length > 0) {
    const file = nextFile(left, walk.point);
    left = left.filter((one) => one !== file);
    files.push(file.name);
    const first = positions.begin(file.name);
    if (!follows(file.start, walk)) {
      const fault = faultOf([], walk.point.number, file.start.number);
      if (fault.missing === undefined) faults.push({ file: file.name, line: 1, kind: fault.kind });
      else missing.push(fault.missing);
      walk.continueAt(file.start, first);
      continued += 1;
    }
    for (const line of file.lines) walk.read(line, positions.next());
  }
  walk.end();
  if (walk.seals.length === continued) return undefined;

  for (const { line, kind, missing: range } of walk.faults) {
    const isPresent = range !== undefined && isDisplaced(range, walk.displaced);
    faults.push({ ...positions.at(line), kind: isPresent ? 'reordered' : kind });
    if (range !== undefined && !isPresent) missing.push(range);
  }
  const { last } = walk;
  const isCut = listed !== undefined && last < listed.lastNumber;
  if (isCut) missing.push({ from: last + 1, to: listed.lastNumber });
  return {
    streamId: key.streamId,
    listed,
    files,
    entries: walk.entries,
    last,
    missing: missing.sort((a, b) => a.from - b.from),
    faults,
    torn: walk.torn.map(positions.at),
    checkpoint: listed === undefined ? 'none' : isCut ? 'cut' : has(walk, listed) ? 'found' : 'absent',
  };
}

/** The file whose beginning is where the chain is; otherwise the one that begins first. */
function nextFile(files: readonly StartedFile[], point: ChainPoint): StartedFile {
  return files.find(({ start }) => isSame(start, point)) ?? (files[0] as StartedFile);
}

/** A gap may go back to an earlier seal. */
function follows(start: ChainPoint, walk: ChainWalk): boolean {
  return isSame(start, walk.point) || walk.seals.some((seal) => isSame(seal, start));
}

function has(walk: ChainWalk, { lastNumber: number, chain }: AuditStream): boolean {
  return walk.seals.some((seal) => isSame(seal, { number, chain }));
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
