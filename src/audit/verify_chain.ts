import type { KeyObject } from 'node:crypto';
import type { AuditCheckpoint } from './audit_log.ts';
import { GENESIS } from './chain.ts';
import { walkChain } from './walk_chain.ts';

export interface ChainReport {
  readonly entries: number;
  readonly last: number;
  /** Lines of a group that was never sealed (a crash while it was written), or that a failed disk kept in part. Reported, no error. */
  readonly torn: readonly number[];
  /** Line numbers (from 1) where the chain does not hold: something was edited, dropped or moved before the seal on that line. */
  readonly broken: readonly number[];
  /** The log ends before the database's checkpoint. */
  readonly cut: boolean;
}

/** Walks the lines of a log, oldest file first. */
export function verifyChain(text: string, key: KeyObject, checkpoint?: AuditCheckpoint): ChainReport {
  const { entries, last, torn, broken } = walkChain(text.split('\n'), key, GENESIS);
  return { entries, last, torn, broken, cut: checkpoint !== undefined && last < checkpoint.number };
}
