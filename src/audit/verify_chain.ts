import type { KeyObject } from 'node:crypto';
import type { AuditCheckpoint } from './audit_log.ts';
import { GENESIS } from './chain.ts';
import { walkChain } from './walk_chain.ts';

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
