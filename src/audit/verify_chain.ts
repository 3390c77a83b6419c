import type { KeyObject } from 'node:crypto';
import type { AuditCheckpoint } from './audit_log.ts';
import { chainOf, GENESIS } from './chain.ts';

export interface ChainReport {
  readonly entries: number;
  readonly last: number;
  /** Lines of a group that was never sealed: a crash while it was written. Reported, no error. */
  readonly torn: readonly number[];
  /** Line numbers (from 1) where the chain does not hold: something was edited, dropped or moved before the seal on that line. */
  readonly broken: readonly number[];
  /** The log ends before the database's checkpoint. */
  readonly cut: boolean;
}

/** Walks the lines of a log, oldest file first. */
export function verifyChain(
  text: string,
  key: KeyObject,
  checkpoint?: AuditCheckpoint,
  from: string = GENESIS,
): ChainReport {
  const torn: number[] = [];
  const broken: number[] = [];
  let chain = from;
  let group: { line: number; text: string }[] = [];
  let entries = 0;
  let last = 0;

  const lines = text.split('\n');
  for (const [index, line] of lines.entries()) {
    const number = index + 1;
    if (line === '') continue;
    const parsed = parse(line);
    if (parsed?.open !== undefined) {
      // A run begins: what stands unsealed before it was torn by a crash, if the opening says so under the chain.
      if (parsed.found === 'whole' && group.length > 0) broken.push(number);
      torn.push(...group.map((one) => one.line));
      group = [{ line: number, text: `${line}\n` }];
      continue;
    }
    if (parsed?.seal === undefined) {
      group.push({ line: number, text: `${line}\n` });
      continue;
    }
    const expected = chainOf(key, chain, group.map((one) => one.text).join(''));
    const numbers = group.flatMap((one) => parse(one.text)?.n ?? []);
    const consecutive = numbers.every((n, i) => n === last + 1 + i) && parsed.seal === last + numbers.length;
    if (parsed.chain !== expected || !consecutive) broken.push(number);
    chain = parsed.chain ?? expected;
    entries += numbers.length;
    last = parsed.seal;
    group = [];
  }
  torn.push(...group.map((one) => one.line));
  return { entries, last, torn, broken, cut: checkpoint !== undefined && last < checkpoint.number };
}

interface Line {
  readonly n?: number;
  readonly seal?: number;
  readonly chain?: string;
  readonly open?: number;
  readonly found?: string;
}

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line;
  } catch {
    return undefined;
  }
}
