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
}

/** Parses only the fields of the chain, because parsing each entry would delay the start. */
export function parseChainLine(text: string): ChainLine {
  const n = ENTRY.exec(text)?.[1];
  if (n !== undefined) return { n: Number(n) };
  if (!MARK.test(text)) return {};
  try {
    return JSON.parse(text) as ChainLine;
  } catch {
    return {};
  }
}

const ENTRY = /^\{"n":(\d+),/;
const MARK = /^\{"(?:seal|open|gap)":\d/;

export interface FileStart extends ChainPoint {
  readonly streamId: string;
}

/**
 * The stream of a file, and where its chain begins, by the first opening or gap line; only the seal after it proves
 * that. Lines before it are the rest of a write that failed.
 */
export function startOf(lines: Iterable<string>): FileStart | undefined {
  for (const line of lines) {
    const { open, gap, previous, stream } = parseChainLine(line);
    const number = open ?? gap;
    if (number !== undefined && typeof previous === 'string' && typeof stream === 'string')
      return { number, chain: previous, streamId: stream };
  }
  return undefined;
}
