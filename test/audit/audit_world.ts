import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import type { AuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditEntry, AuditLedger, AuditLog, AuditStream } from '../../src/audit/audit_log_interface.ts';
import {
  type ChainedAuditLog,
  type ChainedAuditLogParts,
  createChainedAuditLog,
} from '../../src/audit/hash_chained_audit_log.ts';
import type { VaultError } from '../../src/model/errors.ts';
import { verifyAuditFiles } from './verify_all_files.ts';

export interface TestLedger extends AuditLedger {
  readonly key: Uint8Array;
  readonly streams: Map<string, AuditStream>;
  /** The stream that was saved last. */
  readonly checkpoint: AuditStream | undefined;
}

/** `oneProcess`: as over a database in a file. */
export function createTestLedger({ oneProcess = true } = {}): TestLedger {
  const key = randomBytes(32);
  const streams = new Map<string, AuditStream>();
  let checkpoint: AuditStream | undefined;
  return {
    key,
    streams,
    get checkpoint() {
      return checkpoint;
    },
    auditKey: async () => key,
    async saveStream(stream) {
      streams.set(stream.streamId, stream);
      checkpoint = stream;
    },
    findStream: async (streamId) => streams.get(streamId),
    newestStream: async (name) =>
      [...streams.values()]
        .filter((stream) => oneProcess || stream.name === name)
        .sort((a, b) => b.lastTime - a.lastTime)[0],
    listStreams: async () => [...streams.values()],
  };
}

export const ENTRY: AuditEntry = {
  time: Date.UTC(2026, 0, 2),
  requestId: 'r-1',
  caller: 'mail-sync',
  credentialId: 'k1',
  rule: 'readers',
  method: 'TokenService/GetAccessToken',
  resource: 'tenants/acme/connections/ada',
  status: 'OK',
  duration: 0.1234,
  peer: '10.0.0.7:40512',
};

export function write(log: AuditLog, entry: AuditEntry = ENTRY): Promise<VaultError | undefined> {
  return new Promise((resolve) => log.append(entry, resolve));
}

export function openLog(
  ledger: AuditLedger,
  file: AuditFile,
  more: Partial<ChainedAuditLogParts> = {},
): Promise<ChainedAuditLog> {
  return createChainedAuditLog({ file, ledger, clock: { now: () => 0 }, instance: 'i1', name: 'host:log', ...more });
}

/** Verifies the files of one stream. */
export function verifyChain(texts: readonly string[], key: KeyObject, listed?: AuditStream) {
  const files = texts.map((text, index) => ({ name: `file ${index}`, lines: text.split('\n') }));
  const { streams, unknown } = verifyAuditFiles({ files, key, streams: listed === undefined ? [] : [listed] });
  const [report] = streams;
  if (report === undefined) throw new Error(`no seal is valid in ${unknown}`);
  const { entries, last, torn, faults, missing, checkpoint } = report;
  return { entries, last, torn, broken: [...faults, ...missing], cut: checkpoint === 'cut' };
}

export function verifyLedger(ledger: TestLedger, texts: readonly string[]) {
  return verifyChain(texts, createSecretKey(ledger.key), ledger.checkpoint);
}
