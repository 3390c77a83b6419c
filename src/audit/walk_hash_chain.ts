import { type ChainFault, faultOf } from './chain_fault.ts';
import { type ChainPoint, chainOf, type StreamKey } from './hash_chain.ts';
import { type ChainLine, parseChainLine } from './parse_chain_line.ts';

/** Verification of the lines of one stream, oldest first. Line numbers are the caller's, and grow. */
export interface ChainWalk {
  read(text: string, line: number): void;
  /** Continues at a point that does not follow from the lines before. */
  continueAt(point: ChainPoint, line: number): void;
  /** Lines after the last seal are torn. */
  end(): void;
  /** Sealed entries. An entry that is repeated after a gap counts once. */
  readonly entries: number;
  /** After the last seal, valid or not. */
  readonly point: ChainPoint;
  /** The highest number of a valid seal. */
  readonly last: number;
  /** Valid seals, beginning with the start of the walk. */
  readonly seals: readonly Seal[];
  /** Lines without a seal, and lines that are repeated after a gap. */
  readonly torn: readonly number[];
  /** Seals that are not valid, and openings that do not follow from the lines before them. */
  readonly faults: readonly LineFault[];
  /** Numbers of entries that are in a group without a valid seal, or after a later group. */
  readonly displaced: ReadonlySet<number>;
  /** Line of the last sealed opening that reports a cut or altered log; 0 without one. */
  readonly resumed: number;
}

export interface LineFault extends ChainFault {
  readonly line: number;
}

interface Seal extends ChainPoint {
  readonly line: number;
  readonly entries: number;
}

export function createChainWalk(key: StreamKey, start: ChainPoint): ChainWalk {
  let torn: number[] = [];
  let faults: LineFault[] = [];
  let seals: Seal[] = [{ ...start, line: 0, entries: 0 }];
  let point = start;
  let group: { line: number; text: string; n: number | undefined }[] = [];
  let hasForeignLine = false;
  /** After seals that are not valid: a group that was moved or edited may be followed by valid ones. */
  let branches: ChainPoint[] = [];
  const displaced = new Set<number>();
  let entries = 0;
  let resumed = 0;
  let resumes = false;
  let highest = start.number;
  let last = start.number;

  function discardGroup(): void {
    for (const { line } of group) torn.push(line);
    group = [];
    hasForeignLine = false;
  }

  function beginRun({ open = point.number, previous = point.chain, found }: ChainLine, line: number): void {
    if (found === 'whole' && group.length > 0) faults.push({ line, kind: 'altered' });
    discardGroup();
    resumes = found === 'cut' || found === 'altered';
    if (!resumes || (open === point.number && previous === point.chain)) return;
    // It continues from the checkpoint in the database, not from the lines before it.
    faults.push({ line, ...faultOf([], point.number, open) });
    point = { number: open, chain: previous };
  }

  function bridgeGap({ gap, previous, written = 0 }: ChainLine, line: number): void {
    const durable = seals.findLast((seal) => seal.number === gap && seal.chain === previous);
    discardGroup();
    resumes = false;
    if (durable === undefined || point.number > written) return void faults.push({ line, kind: 'altered' });
    const later = faults.filter((fault) => fault.line > durable.line).map((fault) => fault.line);
    torn = [...torn, ...later].sort((a, b) => a - b);
    faults = faults.filter((fault) => fault.line <= durable.line);
    seals = seals.filter((seal) => seal.line <= durable.line);
    point = durable;
    last = durable.number;
    ({ entries } = durable);
  }

  function closeGroup(seal: ChainLine & { seal: number }, line: number): void {
    const numbers = group.flatMap(({ n }) => n ?? []);
    const text = group.map((one) => one.text).join('');
    const follows = (from: ChainPoint): boolean =>
      seal.seal === from.number + numbers.length &&
      numbers.every((n, index) => n === from.number + 1 + index) &&
      seal.chain === chainOf(key, from.chain, text);
    const isValid = [point, ...seals.slice(-1), ...branches].some(follows);
    if (!isValid) faults.push({ line, ...(hasForeignLine ? FOREIGN : faultOf(numbers, point.number, seal.seal)) });
    if (!isValid || seal.seal < highest) for (const n of numbers) displaced.add(n);
    point = { number: seal.seal, chain: seal.chain ?? point.chain };
    highest = Math.max(highest, seal.seal);
    if (!isValid) branches = [...branches.slice(-MOST_BRANCHES), point];
    entries += numbers.length;
    group = [];
    hasForeignLine = false;
    if (isValid) {
      seals.push({ ...point, line, entries });
      last = Math.max(last, point.number);
      if (resumes) resumed = line;
    }
    resumes = false;
  }

  return {
    read(text, line) {
      if (text === '') return;
      const parsed = parseChainLine(text);
      if (parsed.seal !== undefined) return closeGroup({ ...parsed, seal: parsed.seal }, line);
      if (parsed.stream !== undefined && parsed.stream !== key.streamId) hasForeignLine = true;
      else if (parsed.open !== undefined) beginRun(parsed, line);
      else if (parsed.gap !== undefined) bridgeGap(parsed, line);
      group.push({ line, text: `${text}\n`, n: parsed.n });
    },
    continueAt(next, line) {
      point = next;
      seals.push({ ...next, line, entries });
    },
    end: discardGroup,
    get entries() {
      return entries;
    },
    get point() {
      return point;
    },
    get last() {
      return last;
    },
    get seals() {
      return seals;
    },
    get torn() {
      return torn;
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

const MOST_BRANCHES = 16;
const FOREIGN: ChainFault = { kind: 'foreign' };
