import { mkdirSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, resolve } from 'node:path';
import { VaultError } from '../model/errors.ts';
import { nonBlockingDescriptor } from '../telemetry/non_blocking_stdio_descriptor.ts';
import { openAuditFile } from './audit_log_file.ts';
import { openAuditStream } from './audit_log_on_stdout.ts';
import { type ChainedAuditLog, type ChainedAuditLogParts, createChainedAuditLog } from './hash_chained_audit_log.ts';

/**
 * Opens the audit log at a path (the folder is created if it is missing), or on standard output for `-`. Full files are
 * renamed to `PATH.NUMBER`. AUDIT_UNAVAILABLE if it cannot be written.
 */
export async function openAuditLog(
  path: string,
  parts: Omit<ChainedAuditLogParts, 'file' | 'name' | 'rotatedName'>,
): Promise<ChainedAuditLog> {
  if (path === '-' || path === '/dev/stdout')
    return createChainedAuditLog({
      ...parts,
      name: `${hostname()}:-`,
      file: openAuditStream(nonBlockingDescriptor(1)),
    });
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
    return await createChainedAuditLog({
      ...parts,
      name: `${hostname()}:${resolve(path)}`,
      file: openAuditFile(path),
      rotatedName: (last) => `${path}.${last}`,
    });
  } catch (cause) {
    // Errors of the store (the key, the checkpoint) have better messages.
    if (cause instanceof VaultError) throw cause;
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown error';
    throw new VaultError(
      'AUDIT_UNAVAILABLE',
      `Cannot write the audit log ${path} (${code}). Check its folder, its disk and TOKENVAULT_AUDIT_FILE.`,
      { cause },
    );
  }
}
