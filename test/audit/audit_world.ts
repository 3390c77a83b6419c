import { randomBytes } from 'node:crypto';
import type { AuditFile } from '../../src/audit/audit_log_file.ts';
import type { AuditCheckpoint, AuditEntry, AuditLedger, AuditLog } from '../../src/audit/audit_log_interface.ts';
import { type ChainedAuditLogParts, createChainedAuditLog } from '../../src/audit/hash_chained_audit_log.ts';
import type { VaultError } from '../../src/model/errors.ts';

export type TestLedger = AuditLedger & { checkpoint: AuditCheckpoint | undefined; readonly key: Uint8Array };

export function createTestLedger(): TestLedger {
  const key = randomBytes(32);
  return {
    key,
    checkpoint: undefined,
    auditKey: async () => key,
    async saveCheckpoint(checkpoint) {
      this.checkpoint = checkpoint;
    },
    async lastCheckpoint() {
      return this.checkpoint;
    },
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
};

export function write(log: AuditLog, entry: AuditEntry = ENTRY): Promise<VaultError | undefined> {
  return new Promise((resolve) => log.append(entry, resolve));
}

export function openLog(
  ledger: AuditLedger,
  file: AuditFile,
  more: Partial<ChainedAuditLogParts> = {},
): Promise<AuditLog> {
  return createChainedAuditLog({ file, ledger, clock: { now: () => 0 }, instance: 'i1', ...more });
}
