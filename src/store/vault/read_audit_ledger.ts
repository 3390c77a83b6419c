import type { AuditStream } from '../../audit/audit_log_interface.ts';
import { createKeyring } from '../../keyring/keyring.ts';
import type { Keks } from '../../keyring/root_key_source.ts';
import { VaultError } from '../../model/errors.ts';
import { refuseUnfinishedCopy } from '../copy/unfinished_copy.ts';
import type { Database } from '../database_interface.ts';
import { createTenantKeys } from '../rows/tenant_data_keys.ts';
import { createAuditLedger } from './audit_key_and_stream_store.ts';
import { createMeta } from './vault_metadata_store.ts';

/** The key of the audit log, and its streams, oldest first. Changes nothing. RECORD_CORRUPT, DATABASE_UNAVAILABLE. */
export async function readAuditLedger(
  database: Database,
  keks: Keks,
): Promise<{ readonly key: Uint8Array; readonly streams: readonly AuditStream[] }> {
  const meta = createMeta(database);
  await refuseUnfinishedCopy(meta);
  const deploymentId = (await meta.find('deployment_id'))?.toString('utf8');
  if (deploymentId === undefined || (await meta.find('audit_key')) === undefined) {
    throw new VaultError('DATABASE_UNAVAILABLE', 'No vault has written an audit log with this database.', {
      metadata: { fault: 'missing' },
    });
  }
  const keyring = createKeyring({ keks, deploymentId });
  const ledger = createAuditLedger({ database, meta, keys: createTenantKeys({ database, keyring }) });
  return { key: await ledger.auditKey(), streams: await ledger.listStreams() };
}
