import type { KeyObject } from 'node:crypto';
import { type ChainPoint, chainOf } from './chain.ts';

/** What the lines of a log prove. Lines are counted from 1. */
export interface ChainWalk {
  /** How many entries stand under a seal; one that a gap repeats counts once. */
  readonly entries: number;
  /** Number of the last seal, whether it fits or not. */
  readonly last: number;
  /** The seals that fit their groups, the start first. */
  readonly seals: readonly Seal[];
  /** Lines of groups that were never sealed, or that a failed disk kept in part and a gap repeats. */
  readonly torn: readonly number[];
  /** Seals that do not fit, and openings that do not follow from what stands before them. */
  readonly broken: readonly number[];
  /** The last line of an opening that says under a seal that the log before it was found cut or altered; 0 without one. */
  readonly resumed: number;
}

interface Seal extends ChainPoint {
  readonly line: number;
  readonly entries: number;
}

export function walkChain(lines: readonly string[], key: KeyObject, start: ChainPoint): ChainWalk {
  let torn: number[] = [];
  let broken: number[] = [];
  let seals: Seal[] = [{ ...start, line: 0, entries: 0 }];
  let { number: last, chain } = start;
  let group: { line: number; text: string; n: number | undefined }[] = [];
  let entries = 0;
  let resumed = 0;
  let resumes = false;

  function discardGroup(): void {
    for (const { line } of group) torn.push(line);
    group = [];
  }

  function beginRun({ open = last, previous = chain, found }: Line, line: number): void {
    if (found === 'whole' && group.length > 0) broken.push(line);
    discardGroup();
    resumes = found === 'cut' || found === 'altered';
    if (!resumes || (open === last && previous === chain)) return;
    // It follows from the database's checkpoint, and not from the lines before it.
    broken.push(line);
    last = open;
    chain = previous;
  }

  function bridgeGap({ gap, previous, written = 0 }: Line, line: number): void {
    const durable = seals.findLast((seal) => seal.number === gap && seal.chain === previous);
    discardGroup();
    resumes = false;
    if (durable === undefined || last > written) return void broken.push(line);
    torn = [...torn, ...broken.filter((one) => one > durable.line)].sort((a, b) => a - b);
    broken = broken.filter((one) => one <= durable.line);
    seals = seals.filter((seal) => seal.line <= durable.line);
    ({ number: last, chain, entries } = durable);
  }

  function closeGroup(seal: Line & { seal: number }, line: number): void {
    const numbers = group.flatMap(({ n }) => n ?? []);
    const fits =
      seal.chain === chainOf(key, chain, group.map(({ text }) => text).join('')) &&
      seal.seal === last + numbers.length &&
      numbers.every((n, i) => n === last + 1 + i);
    chain = seal.chain ?? chain;
    last = seal.seal;
    entries += numbers.length;
    group = [];
    if (!fits) broken.push(line);
    else {
      seals.push({ number: last, chain, line, entries });
      if (resumes) resumed = line;
    }
    resumes = false;
  }

  for (const [index, text] of lines.entries()) {
    if (text === '') continue;
    const line = index + 1;
    const parsed = parse(text);
    if (parsed.seal !== undefined) {
      closeGroup({ ...parsed, seal: parsed.seal }, line);
      continue;
    }
    if (parsed.open !== undefined) beginRun(parsed, line);
    else if (parsed.gap !== undefined) bridgeGap(parsed, line);
    group.push({ line, text: `${text}\n`, n: parsed.n });
  }
  discardGroup();
  return { entries, last, seals, torn, broken, resumed };
}

/** Where a file that begins with `line` says that the chain goes on from. */
export function startOf(line: string): ChainPoint | undefined {
  const { open, gap, previous } = parse(line);
  const number = open ?? gap;
  return number === undefined || previous === undefined ? undefined : { number, chain: previous };
}

interface Line {
  readonly n?: number;
  readonly seal?: number;
  readonly chain?: string;
  readonly open?: number;
  readonly found?: string;
  readonly gap?: number;
  readonly previous?: string;
  readonly written?: number;
}

/** Only what the chain needs: to parse each entry, or junk, would delay the start. */
function parse(text: string): Line {
  const n = ENTRY.exec(text)?.[1];
  if (n !== undefined) return { n: Number(n) };
  if (!MARK.test(text)) return {};
  try {
    return JSON.parse(text) as Line;
  } catch {
    return {};
  }
}

const ENTRY = /^\{"n":(\d+),/;
const MARK = /^\{"(?:seal|open|gap)":\d/;
