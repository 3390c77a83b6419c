import type { AuditFile } from './audit_file.ts';
import type { AuditCheckpoint } from './audit_log.ts';
import { GENESIS, type Opening } from './chain.ts';

/** More than a group: what gathers in one turn of the event loop is far smaller. */
const TAIL = 4 * 2 ** 20;

const SEAL = /^\{"seal":(\d+),"chain":"([0-9a-f]{64})"\}$/;

export interface LogEnd {
  /** Of the last entry. */
  readonly number: number;
  readonly chain: string;
  readonly found: Opening['found'];
}

/** Where the chain goes on: after the last seal of the file, or after the database's checkpoint when the file ends before it. */
export function findEnd(file: AuditFile, checkpoint: AuditCheckpoint | undefined): LogEnd {
  if (!file.readable) return { number: checkpoint?.number ?? 0, chain: checkpoint?.chain ?? GENESIS, found: 'whole' };
  const last = lastSeal(file.tail(TAIL));
  if (checkpoint !== undefined && (last === undefined || last.number < checkpoint.number)) {
    if (last?.torn) file.write('\n');
    return { number: checkpoint.number, chain: checkpoint.chain, found: 'cut' };
  }
  if (last === undefined) return { number: 0, chain: GENESIS, found: 'whole' };
  // The torn line is evidence and stays; ours begins on a line of its own.
  if (last.torn) file.write('\n');
  return { number: last.number, chain: last.chain, found: last.torn ? 'torn' : 'whole' };
}

function lastSeal(text: string): { number: number; chain: string; torn: boolean } | undefined {
  const lines = text.split('\n');
  for (let i = lines.length - 1; i >= 0; i -= 1) {
    const match = SEAL.exec(lines[i] ?? '');
    if (match?.[1] === undefined || match[2] === undefined) continue;
    const torn = lines.slice(i + 1).some((line) => line !== '') || i === lines.length - 1;
    return { number: Number(match[1]), chain: match[2], torn };
  }
  return text === '' ? undefined : { number: 0, chain: GENESIS, torn: true };
}
