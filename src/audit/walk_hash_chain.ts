import { type ChainFault, type EntryRange, faultOf } from './chain_fault.ts';
import { type ChainPoint, chainOf, type StreamKey } from './hash_chain.ts';
import {
  type ChainLine,
  type FileStart,
  type ParsedGap,
  type ParsedOpening,
  parseChainLine,
  timeOf,
} from './parse_chain_line.ts';

/** Verification of the lines of one stream, oldest first. Line numbers are the caller's, and grow. */
export interface ChainWalk {
  /** `isWhole`: the line ends with a line feed. */
  read(text: string, line: number, isWhole?: boolean): void;
  /** Continues at a point that does not follow from the lines before. */
  continueAt(point: ChainPoint, line: number): void;
  /** Lines after the last seal are torn. */
  end(): void;
  /** Sealed entries. An entry that is repeated after a gap counts once. */
  readonly entries: number;
  /** After the last seal, valid or not. */
  readonly point: ChainPoint;
  /** Time of the last line before that seal. */
  readonly time: number | undefined;
  /** The highest number of a valid seal. */
  readonly last: number;
  /** The newest valid seals; before any, the start of the walk. A gap goes back no further. */
  readonly seals: readonly Seal[];
  /** A seal is valid. */
  readonly isProved: boolean;
  /** A valid seal, or a start, is the expected point. */
  readonly isExpectedFound: boolean;
  /** Lines without a seal, and lines that are repeated after a gap. */
  readonly torn: readonly number[];
  /** The first line without a seal at the end. */
  readonly unsealed: number | undefined;
  /** Seals that are not valid, and openings that do not follow from the lines before them. */
  readonly faults: readonly LineFault[];
  /** Numbers of entries that are in a group without a valid seal, or after a later group. */
  readonly displaced: ReadonlySet<number>;
  /** Line of the last sealed opening that reports a cut or altered log; 0 without one. */
  readonly resumed: number;
}

export interface LineFault extends ChainFault {
  /** The seal or opening. */
  readonly line: number;
  /** Where its group begins. */
  readonly firstLine: number;
  /** Entries of the group. */
  readonly entries: EntryRange | undefined;
  /** Of the first and the last line of the group, as they are now. */
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
  /** Of the group before. */
  readonly timeBefore: number | undefined;
}

/** An entry whose group has a seal. */
export interface WalkedEntry {
  readonly text: string;
  readonly line: number;
  readonly n: number | undefined;
  /** The seal is valid. */
  readonly isProved: boolean;
}

export interface WalkOptions {
  readonly expected?: ChainPoint | undefined;
  /** Called for each entry, once: not again if it is repeated after a gap. */
  readonly onEntry?: ((entry: WalkedEntry) => void) | undefined;
}

interface Seal extends ChainPoint {
  readonly line: number;
  /** Sealed entries up to here, and in this group. */
  readonly entries: number;
  readonly size: number;
}

interface GroupLine {
  readonly line: number;
  readonly text: string;
  readonly parsed: ChainLine;
}

/** The vault writes at most 8 MiB at once, and as much again until they are synced. */
const LONGEST_GROUP = 32 * 2 ** 20;
/** Of 16 MiB: an entry has more than 200 characters. */
const MOST_SEALS = 100_000;
const MOST_BRANCHES = 16;
const FOREIGN: ChainFault = { kind: 'foreign' };
const ALTERED: ChainFault = { kind: 'altered' };

export function createChainWalk(key: StreamKey, start: ChainPoint, options: WalkOptions = {}): ChainWalk {
  const { expected, onEntry } = options;
  const torn: number[] = [];
  let faults: LineFault[] = [];
  let seals: Seal[] = [{ ...start, line: 0, entries: 0, size: 0 }];
  let point = start;
  let group: GroupLine[] = [];
  let groupLength = 0;
  let unsealed: number | undefined;
  /** After seals that are not valid: a group that was moved or edited may be followed by valid ones. */
  let branches: ChainPoint[] = [];
  const displaced = new Set<number>();
  /** Entries before a gap that were valid there. */
  let repeated = new Set<number>();
  let entries = 0;
  let resumed = 0;
  let highest = start.number;
  let last = start.number;
  let time: number | undefined;
  let isProved = false;
  let isExpectedFound = isExpected(start);

  function isExpected({ number, chain }: ChainPoint): boolean {
    return number === expected?.number && chain === expected.chain;
  }

  function discardGroup(): void {
    for (const { line } of group) torn.push(line);
    group = [];
    groupLength = 0;
  }

  function fault(line: number, found: ChainFault, opened?: number): void {
    const numbers = group.flatMap(({ parsed }) => parsed.n ?? []);
    const [from, to] = [numbers[0], numbers.at(-1)];
    faults.push({
      line,
      ...found,
      firstLine: group[0]?.line ?? line,
      entries: from === undefined || to === undefined ? undefined : { from, to },
      firstTime: timeOf(group[0]?.text ?? '') ?? opened,
      lastTime: timeOf(group.at(-1)?.text ?? '') ?? opened,
      timeBefore: time,
    });
  }

  function beginRun(opening: ParsedOpening, line: number): void {
    const { number, chain, found, time: opened } = opening;
    if (found === 'whole' && group.length > 0) fault(line, ALTERED);
    discardGroup();
    if (!resumes(opening) || (number === point.number && chain === point.chain)) return;
    // It continues from the checkpoint in the database, not from the lines before it.
    fault(line, faultOf([], point.number, number), opened);
    point = { number, chain };
  }

  /** A gap line continues at an earlier seal, if its own is valid. */
  function bridgeGap({ number, chain, written }: ParsedGap): Seal | undefined {
    if (point.number > written) return undefined;
    return seals.findLast((seal) => seal.number === number && seal.chain === chain);
  }

  function goBackTo(durable: Seal): void {
    for (const { line } of faults) if (line > durable.line) torn.push(line);
    torn.sort((a, b) => a - b);
    faults = faults.filter(({ line }) => line <= durable.line);
    const dropped = seals.filter(({ line }) => line > durable.line);
    seals = seals.filter(({ line }) => line <= durable.line);
    repeated = new Set(dropped.flatMap(({ number, size }) => Array.from({ length: size }, (_, at) => number - at)));
    if (expected !== undefined && durable.number < expected.number) isExpectedFound = false;
    point = durable;
    last = durable.number;
    highest = durable.number;
    ({ entries } = durable);
  }

  function closeGroup(seal: ChainPoint, line: number): void {
    const numbers = group.flatMap(({ parsed }) => parsed.n ?? []);
    const text = groupLength > LONGEST_GROUP ? undefined : group.map((one) => `${one.text}\n`).join('');
    const follows = (from: ChainPoint): boolean =>
      text !== undefined &&
      seal.number === from.number + numbers.length &&
      numbers.every((n, index) => n === from.number + 1 + index) &&
      seal.chain === chainOf(key, from.chain, text);
    const [first] = group;
    const gap = first?.parsed.gap;
    const durable = gap && bridgeGap(gap);
    const isValid =
      gap === undefined
        ? [point, ...seals.slice(-1), ...branches].some(follows)
        : durable !== undefined && follows(durable);
    if (isValid && durable !== undefined) goBackTo(durable);
    if (!isValid) {
      const isForeign = group.some(({ parsed }) => isOfAnother(key, parsed.opening ?? parsed.gap));
      fault(line, isForeign ? FOREIGN : gap !== undefined ? ALTERED : faultOf(numbers, point.number, seal.number));
    }
    if (!isValid || seal.number < highest) for (const n of numbers) displaced.add(n);
    point = seal;
    highest = Math.max(highest, seal.number);
    if (!isValid) branches = [...branches.slice(-MOST_BRANCHES), point];
    entries += numbers.length;
    time = timeOf(group.at(-1)?.text ?? '') ?? time;
    if (isValid) {
      seals.push({ ...point, line, entries, size: numbers.length });
      if (seals.length > 2 * MOST_SEALS) seals = seals.slice(-MOST_SEALS);
      isProved = true;
      isExpectedFound ||= isExpected(point);
      last = Math.max(last, point.number);
      if (resumes(first?.parsed.opening)) resumed = line;
    }
    if (onEntry !== undefined) reportEntries(onEntry, isValid);
    group = [];
    groupLength = 0;
  }

  function reportEntries(report: NonNullable<typeof onEntry>, isValid: boolean): void {
    for (const { text, line, parsed } of group) {
      const { n, opening, gap } = parsed;
      if ((isValid && n !== undefined && repeated.delete(n)) || opening !== undefined || gap !== undefined) continue;
      report({ text, line, n, isProved: isValid });
    }
  }

  return {
    read(text, line, isWhole = true) {
      const parsed = isWhole ? parseChainLine(text) : {};
      const { seal, opening, gap } = parsed;
      if (seal !== undefined) return closeGroup(seal, line);
      if (opening?.streamId === key.streamId) beginRun(opening, line);
      if (gap?.streamId === key.streamId) discardGroup();
      groupLength += text.length + 1;
      group.push({ line, text: groupLength > LONGEST_GROUP ? '' : text, parsed });
    },
    continueAt(next, line) {
      point = next;
      isExpectedFound ||= isExpected(next);
      seals.push({ ...next, line, entries, size: 0 });
    },
    end() {
      unsealed = group[0]?.line;
      discardGroup();
    },
    get entries() {
      return entries;
    },
    get point() {
      return point;
    },
    get time() {
      return time;
    },
    get last() {
      return last;
    },
    get seals() {
      return seals;
    },
    get isProved() {
      return isProved;
    },
    get isExpectedFound() {
      return isExpectedFound;
    },
    torn,
    get unsealed() {
      return unsealed;
    },
    get faults() {
      return faults;
    },
    displaced,
    get resumed() {
      return resumed;
    },
  };
}

function isOfAnother({ streamId }: StreamKey, start: FileStart | undefined): boolean {
  return start !== undefined && start.streamId !== streamId;
}

function resumes(opening: ParsedOpening | undefined): boolean {
  return opening?.found === 'cut' || opening?.found === 'altered';
}
