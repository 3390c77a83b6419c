import type { KeyObject } from 'node:crypto';
import type { AuditFile } from './audit_log_file.ts';
import type { AuditCheckpoint } from './audit_log_interface.ts';
import { type ChainPoint, GENESIS, type Opening } from './hash_chain.ts';
import { startOf, walkChain } from './verify_hash_chain.ts';

/** Bytes that are checked at the start. Entries before them are checked by a verification of the whole log. */
const TAIL = 16 * 2 ** 20;

const SEAL = /^\{"seal":(\d+),"chain":"([0-9a-f]{64})"\}$/;

export interface LogEnd extends ChainPoint {
  readonly found: Opening['found'];
}

/**
 * Where the chain continues: after the last valid seal, or after the checkpoint in the database if the file ends before
 * it. Every seal is verified, because anyone with access to the file can append a line that looks like a seal.
 */
export function findEnd(file: AuditFile, key: KeyObject, checkpoint: AuditCheckpoint | undefined): LogEnd {
  if (!file.readable) return { ...(checkpoint ?? GENESIS), found: 'whole' };
  const isPart = file.size > TAIL;
  const text = file.tail(TAIL);
  const endsWhole = text === '' || text.endsWith('\n');
  // A torn line is kept as evidence; new lines begin after it.
  if (!endsWhole) file.write('\n');

  const { start, lines } = isPart ? fromFirstSeal(text) : fromFirstLine(text);
  const { seals, torn, broken, resumed } = walkChain(lines, key, start);
  const [, ...proved] = seals;
  const end = proved.at(-1) ?? GENESIS;
  const passes = checkpoint !== undefined && start.number < checkpoint.number && checkpoint.number <= end.number;
  const isCut = checkpoint !== undefined && end.number < checkpoint.number;
  const isTorn = !endsWhole || torn.includes(lines.findLastIndex((line) => line !== '') + 1);
  const isAltered =
    broken.some((line) => line > resumed) ||
    (isPart && proved.length === 0) ||
    (passes && !seals.some(({ number, chain }) => number === checkpoint.number && chain === checkpoint.chain));

  const { number, chain } = isCut ? checkpoint : end;
  return { number, chain, found: isAltered ? 'altered' : isCut ? 'cut' : isTorn ? 'torn' : 'whole' };
}

interface Part {
  readonly start: ChainPoint;
  readonly lines: readonly string[];
}

/** The first line of a file says where its chain begins, and the seal after it proves that. */
function fromFirstLine(text: string): Part {
  const lines = text.split('\n');
  return { start: startOf(lines[0] ?? '') ?? GENESIS, lines };
}

function fromFirstSeal(text: string): Part {
  const lines = text.split('\n');
  const first = lines.findIndex((line) => SEAL.test(line));
  const [, number, chain] = SEAL.exec(lines[first] ?? '') ?? [];
  if (number === undefined || chain === undefined) return { start: GENESIS, lines };
  return { start: { number: Number(number), chain }, lines: lines.slice(first + 1) };
}
