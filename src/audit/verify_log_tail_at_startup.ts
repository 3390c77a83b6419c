import type { AuditFile } from './audit_log_file.ts';
import { type ChainPoint, GENESIS, type Opening, type StreamKey } from './hash_chain.ts';
import { parseChainLine, startOf } from './parse_chain_line.ts';
import { createChainWalk } from './walk_hash_chain.ts';

/** Bytes that are checked at the start. Entries before them are checked by a verification of the whole log. */
const TAIL = 16 * 2 ** 20;

type LogText = Pick<AuditFile, 'size' | 'tail'>;

export interface LogEnd extends ChainPoint {
  readonly found: Opening['found'];
  /** A seal in the file is valid, so the file belongs to the stream. */
  readonly isProved: boolean;
  /** The last line is complete. */
  readonly endsWhole: boolean;
}

/**
 * Where the chain continues: after the last valid seal, or after the checkpoint in the database if the file ends before
 * it. Every seal is verified, because anyone with access to the file can append a line that looks like a seal.
 */
export function findEnd(file: LogText, key: StreamKey, checkpoint: ChainPoint | undefined): LogEnd {
  const isPart = file.size > TAIL;
  const text = file.tail(TAIL);
  const endsWhole = text === '' || text.endsWith('\n');

  const { start, lines } = isPart ? fromFirstSeal(text) : fromFirstLine(text);
  const walk = createChainWalk(key, start, { expected: checkpoint });
  for (const [index, line] of lines.entries()) walk.read(line, index + 1);
  walk.end();
  const { seals, torn, faults, resumed, isProved } = walk;
  const end = (isProved ? seals.at(-1) : undefined) ?? GENESIS;
  const passes = checkpoint !== undefined && start.number < checkpoint.number && checkpoint.number <= end.number;
  const isCut = checkpoint !== undefined && end.number < checkpoint.number;
  const isTorn = !endsWhole || torn.includes(lines.length);
  const isAltered =
    faults.some(({ line }) => line > resumed) || (isPart && !isProved) || (passes && !walk.isExpectedFound);

  const { number, chain } = isCut ? checkpoint : end;
  return {
    number,
    chain,
    found: isAltered ? 'altered' : isCut ? 'cut' : isTorn ? 'torn' : 'whole',
    isProved,
    endsWhole,
  };
}

interface Part {
  readonly start: ChainPoint;
  readonly lines: readonly string[];
}

/** The first line of a file says where its chain begins, and the seal after it proves that. */
function fromFirstLine(text: string): Part {
  const lines = linesOf(text);
  return { start: startOf(lines) ?? GENESIS, lines };
}

function fromFirstSeal(text: string): Part {
  const lines = linesOf(text);
  for (const [index, line] of lines.entries()) {
    const { seal } = parseChainLine(line);
    if (seal !== undefined) return { start: seal, lines: lines.slice(index + 1) };
  }
  return { start: GENESIS, lines };
}

/** The text after the last line feed is a line only if there is some. */
function linesOf(text: string): string[] {
  const lines = text.split('\n');
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
