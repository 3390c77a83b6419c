import type { AuditEntry, AuditLog } from '../../src/audit/audit_log_interface.ts';
import { openAuditLog } from '../../src/audit/open_audit_log.ts';
import { createSampleVault, type SampleVault } from './sample_vault.ts';

export interface AuditedVault extends SampleVault {
  /** Writes the entries as a replica with this file, in a run of its own. */
  log(file: string, entries: readonly Partial<AuditEntry>[], rotateAt?: number): Promise<void>;
}

const DAY = Date.UTC(2026, 0, 2);

const ENTRY: AuditEntry = {
  time: DAY,
  requestId: 'r-1',
  caller: 'mail-sync',
  credentialId: 'k1',
  rule: 'readers',
  method: 'TokenService/GetAccessToken',
  resource: 'tenants/acme/connections/ada',
  status: 'OK',
  duration: 0,
  peer: '10.0.0.7:40512',
};

/** 2026-01-02 at this hour. */
export const hour = (count: number) => DAY + count * 3_600_000;

/** A stopped vault whose replicas have written audit logs. */
export async function createAuditedVault(): Promise<AuditedVault> {
  const vault = await createSampleVault();
  return {
    ...vault,
    async log(file, entries, rotateAt = 2 ** 20) {
      const stores = await vault.open();
      let now = hour(0);
      const log: AuditLog = await openAuditLog(vault.path(file), {
        ledger: stores.audit,
        clock: { now: () => now },
        instance: file,
        rotateAt,
      });
      for (const entry of entries) {
        now = Math.max(now, entry.time ?? 0);
        await new Promise<void>((resolve, reject) =>
          log.append({ ...ENTRY, ...entry }, (error) => (error === undefined ? resolve() : reject(error))),
        );
      }
      await log.close();
      await stores.close();
    },
  };
}
