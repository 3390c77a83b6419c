import type { KeyObject } from 'node:crypto';
import { newUid } from '../model/id_patterns.ts';
import type { AuditFile } from './audit_log_file.ts';
import type { AuditLedger, AuditStream } from './audit_log_interface.ts';
import { type ChainPoint, GENESIS, type Opening } from './hash_chain.ts';
import { startOf } from './parse_chain_line.ts';
import { findEnd } from './verify_log_tail_at_startup.ts';

/** Long enough for an opening, whatever the name of the host. */
const HEAD = 4_096;

/** The stream that this process writes, and where its chain continues. */
export interface StreamStart extends ChainPoint {
  readonly streamId: string;
  readonly found: Opening['found'];
  /** As the database lists it; undefined: not yet. */
  readonly listed: AuditStream | undefined;
  /** The stream that the last process with this log wrote, if that is another one. */
  readonly replaced: AuditStream | undefined;
}

/**
 * Continues the stream of the file if a seal in the file proves it with the key; otherwise starts a new one. A host name
 * proves nothing, because pods change names and volumes change hosts. Its only use is to notice a missing file: a stream
 * of the same name that is newer than the one in the file.
 */
export async function findStream(parts: {
  readonly file: AuditFile;
  readonly key: KeyObject;
  readonly ledger: AuditLedger;
  readonly name: string;
}): Promise<StreamStart> {
  const { file, key, ledger, name } = parts;
  const fresh = { ...GENESIS, streamId: newUid(), listed: undefined };
  const newest = await ledger.newestStream(name);
  if (!file.readable) return { ...fresh, found: 'whole', replaced: newest };

  const streamId = startOf(file.head(HEAD).split('\n'))?.streamId ?? newUid();
  const listed = await ledger.findStream(streamId);
  const checkpoint = listed && { number: listed.lastNumber, chain: listed.chain };
  const end = findEnd(file, { key, streamId }, checkpoint);
  const replaced = end.isProved && newest?.streamId === streamId ? undefined : newest;
  const found = end.found !== 'altered' && replaced !== undefined ? 'cut' : end.found;

  if (end.isProved) {
    // A torn line is kept as evidence; new lines begin after it.
    if (!end.endsWhole) file.write('\n');
    return { number: end.number, chain: end.chain, streamId, found, listed, replaced };
  }
  // A file has one stream only.
  if (file.size > 0) await file.setAside();
  return { ...fresh, found, replaced };
}
