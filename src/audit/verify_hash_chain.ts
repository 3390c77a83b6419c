import type { KeyObject } from 'node:crypto';
import type { AuditCheckpoint } from './audit_log_interface.ts';
import { type ChainPoint, chainOf, GENESIS } from './hash_chain.ts';

/** Result of the verification of the lines of a log. Line numbers begin at 1. */
export interface ChainWalk {
  /** Sealed entries. An entry that is repeated after a gap counts once. */
  readonly entries: number;
  /** Number of the last seal, valid or not. */
  readonly last: number;
  /** Valid seals, beginning with the start of the walk. */
  readonly seals: readonly Seal[];
  /** Lines without a seal, and lines that are repeated after a gap. */
  readonly torn: readonly number[];
  /** Seals that are not valid, and openings that do not follow from the lines before them. */
  readonly broken: readonly number[];
  /** Line of the last sealed opening that reports a cut or altered log; 0 without one. */
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
    // It continues from the checkpoint in the database, not from the lines before it.
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

export interface ChainReport {
  readonly entries: number;
  readonly last: number;
  /** Lines without a seal, after a crash or a disk failure. Not an error. */
  readonly torn: readonly number[];
  /** Numbers (from 1) of the lines where the chain is broken: a line before that seal was edited, removed or moved. */
  readonly broken: readonly number[];
  /** The log ends before the checkpoint in the database. */
  readonly cut: boolean;
}

/** Verifies the lines of a log, with the oldest file first. */
export function verifyChain(text: string, key: KeyObject, checkpoint?: AuditCheckpoint): ChainReport {
  const { entries, last, torn, broken } = walkChain(text.split('\n'), key, GENESIS);
  return { entries, last, torn, broken, cut: checkpoint !== undefined && last < checkpoint.number };
}

/** Where the chain of a file begins, by its first line. */
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

/** Parses only the fields of the chain, because parsing each entry would delay the start. */
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
