import type { ChainPoint } from './hash_chain.ts';

/** What a line means for the chain: at most one of these. */
export interface ChainLine {
  /** Number of an entry. */
  readonly n?: number;
  readonly seal?: ChainPoint;
  readonly opening?: ParsedOpening;
  readonly gap?: ParsedGap;
}

/** The stream of a file, and where its chain begins. */
export interface FileStart extends ChainPoint {
  readonly streamId: string;
  readonly time: number | undefined;
}

export interface ParsedOpening extends FileStart {
  readonly found: string;
}

/** Continues at the last synced point. */
export interface ParsedGap extends FileStart {
  /** Number of the last entry before it, synced or not. */
  readonly written: number;
}

/** Parses only the fields of the chain, because parsing each entry would delay the start. */
export function parseChainLine(text: string): ChainLine {
  const n = numberOf(ENTRY.exec(text)?.[1]);
  if (n !== undefined) return { n };
  const [, digits, chain = ''] = SEAL.exec(text) ?? [];
  const number = numberOf(digits);
  if (number !== undefined) return { seal: { number, chain } };
  return BEGINNING.test(text) ? parseBeginning(text) : {};
}

const ENTRY = /^\{"n":(\d{1,16}),/;
/** The whole line: nothing else in it is covered by a hash. */
const SEAL = /^\{"seal":(0|[1-9]\d{0,15}),"chain":"([0-9a-f]{64})"\}$/;
const BEGINNING = /^\{"(?:open|gap)":\d/;
const CHAIN = /^[0-9a-f]{64}$/;

function numberOf(digits: unknown): number | undefined {
  const number = Number(digits);
  // Beyond 2^53, `number + 1` may be `number`.
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}

/** Files may be altered, so every type is checked. */
function parseBeginning(text: string): ChainLine {
  let fields: Readonly<Record<string, unknown>>;
  try {
    fields = JSON.parse(text) as typeof fields;
  } catch {
    return {};
  }
  const { previous: chain, stream: streamId, found } = fields;
  const [open, gap, written] = [fields['open'], fields['gap'], fields['written']].map(numberOf);
  if (typeof chain !== 'string' || !CHAIN.test(chain) || typeof streamId !== 'string') return {};
  const start = { chain, streamId, time: timeOf(text) };
  if (open !== undefined && typeof found === 'string') return { opening: { ...start, number: open, found } };
  return gap !== undefined && written !== undefined ? { gap: { ...start, number: gap, written } } : {};
}

const TIME = /"time":"(\d{4}-[\dT:.-]{15,25}Z)"/;

/** The time of a line, if it has one. */
export function timeOf(text: string): number | undefined {
  const time = Date.parse(TIME.exec(text)?.[1] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

/** By the first opening or gap line; only the seal after it proves it. Lines before it are the rest of a failed write. */
export function startOf(lines: Iterable<string>): FileStart | undefined {
  for (const line of lines) {
    const { opening, gap } = parseChainLine(line);
    const start = opening ?? gap;
    if (start !== undefined) return start;
  }
  return undefined;
}
