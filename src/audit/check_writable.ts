import { VaultError } from '../model/errors.ts';
import type { AuditLog } from './audit_log.ts';

/** AUDIT_UNAVAILABLE while entries cannot be written: without them no answer may leave. */
export async function checkWritable(log: Pick<AuditLog, 'writable'>): Promise<void> {
  if (!log.writable) throw new VaultError('AUDIT_UNAVAILABLE', 'The audit log cannot be written');
}
