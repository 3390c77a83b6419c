import type { ChainPoint } from './hash_chain.ts';

/** The fields of a line that belong to the chain. */
export interface ChainLine {
  readonly n?: number;
  readonly seal?: number;
  readonly chain?: string;
  readonly open?: number;
  readonly found?: string;
  readonly gap?: number;
  readonly previous?: string;
  readonly stream?: string;
  readonly written?: number;
  readonly time?: number | undefined;
}

/** Parses only the fields of the chain, because parsing each entry would delay the start. */
export function parseChainLine(text: string): ChainLine {
  const n = numberOf(ENTRY.exec(text)?.[1]);
  if (n !== undefined) return { n };
  const [, number, chain = ''] = SEAL.exec(text) ?? [];
  const seal = numberOf(number);
  if (seal !== undefined) return { seal, chain };
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
  const { previous, stream, found } = fields;
  const [open, gap, written] = [fields['open'], fields['gap'], fields['written']].map(numberOf);
  if (typeof previous !== 'string' || !CHAIN.test(previous) || typeof stream !== 'string') return {};
  const common = { previous, stream, time: timeOf(text) };
  if (open !== undefined && typeof found === 'string') return { ...common, open, found };
  return gap !== undefined && written !== undefined ? { ...common, gap, written } : {};
}

const TIME = /"time":"(\d{4}-[\dT:.-]{15,25}Z)"/;

/** The time of a line, if it has one. */
export function timeOf(text: string): number | undefined {
  const time = Date.parse(TIME.exec(text)?.[1] ?? '');
  return Number.isNaN(time) ? undefined : time;
}

export interface FileStart extends ChainPoint {
  readonly streamId: string;
  readonly time: number | undefined;
}

/**
 * The stream of a file, and where its chain begins, by the first opening or gap line; only the seal after it proves
 * that. Lines before it are the rest of a write that failed.
 */
export function startOf(lines: Iterable<string>): FileStart | undefined {
  for (const line of lines) {
    const { open, gap, previous, stream, time } = parseChainLine(line);
    const number = open ?? gap;
    if (number !== undefined && previous !== undefined && stream !== undefined)
      return { number, chain: previous, streamId: stream, time };
  }
  return undefined;
}
