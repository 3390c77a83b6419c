import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { openAuditFile, openAuditStream } from './audit_file.ts';
import type { AuditLog } from './audit_log.ts';
import { type ChainedAuditLogParts, createChainedAuditLog } from './chained_audit_log.ts';

const STANDARD_OUTPUT = 1;

/** At a path, whose folder is made where it is missing; `-` for standard output. Full files are set aside as `PATH.NUMBER`. */
export function openAuditLog(
  path: string,
  parts: Omit<ChainedAuditLogParts, 'file' | 'rotatedName'>,
): Promise<AuditLog> {
  if (path === '-') return createChainedAuditLog({ ...parts, file: openAuditStream(STANDARD_OUTPUT) });
  mkdirSync(dirname(path), { recursive: true, mode: 0o750 });
  return createChainedAuditLog({ ...parts, file: openAuditFile(path), rotatedName: (last) => `${path}.${last}` });
}
