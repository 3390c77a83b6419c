import { type AuditFilesParts, type AuditReport, readAuditFiles } from '../../src/audit/verify_audit_files.ts';

/** The report alone. */
export function verifyAuditFiles(parts: AuditFilesParts): AuditReport {
  const reading = readAuditFiles(parts);
  for (;;) {
    const { done, value } = reading.next();
    if (done === true) return value;
  }
}
